//! Looking ahead: the areas into which somebody may come any moment are opened before.
//!
//! Opening a replica takes a snapshot, a tail and a subscription, which is longer than going
//! through a door. So the areas behind doors near which a client's body stands are followed, and
//! the instance into which those go whom this area does not take.

use std::collections::BTreeSet;

use schemas::AreaId;
use schemas::segment::SUBPIXELS;
use world::Door;

use super::task::Watching;

/// How near is near: two seconds of running.
const NEAR: i32 = 24 * 16 * SUBPIXELS;

impl Watching {
    /// Opens what may be needed soon.
    pub(super) fn look_ahead(&self) {
        for area in self.next_areas() {
            if area != self.replica.area {
                self.replicas.ahead(&self.realm, &area);
            }
        }
    }

    fn next_areas(&self) -> BTreeSet<AreaId> {
        let mut next = BTreeSet::new();
        if self.viewers.is_empty() {
            return next;
        }
        let steering = self.state.steering();
        let full =
            self.state.population() * 10 >= steering.soft_capacity(&world::Rules::DEFAULT) * 9;
        if full || self.state.is_closed() {
            next.extend(steering.overflow.clone());
        }
        let Some(map) = world::maps::builtin(self.state.map_name()) else {
            return next;
        };
        let step = self.state.step();
        for presence in self.viewers.values().filter_map(|v| v.presence.as_ref()) {
            let Some(body) = self.state.body(presence.handle) else {
                continue;
            };
            let at = body.position(step);
            let near = map.map.doors.iter().filter(|door| is_near(door, at));
            next.extend(near.map(|door| door.to_area.clone()));
        }
        next
    }
}

fn is_near(door: &Door, (x, y): (i32, i32)) -> bool {
    door.x.abs_diff(x) < NEAR.unsigned_abs() && door.y.abs_diff(y) < NEAR.unsigned_abs()
}
