//! The rules of characters, each a sentence.

use eventlog::keyed::given::{Given, given};
use schemas::effect::Traveller;
use schemas::effect::{EffectPayload, EntryPoint, LastSeen};
use schemas::fact::DepartureReason;
use schemas::lobby::Place;
use schemas::outcome::Reason;
use schemas::sealed::Sealed;
use schemas::segment::InputBits;
use schemas::{AccountId, Digest, EdgeId, LoginId, SessionFence};

use super::*;
use crate::tickets::tests::{PRIVATE, SECRET};

const ANN: CharacterId = CharacterId(7);
const ANNS_ACCOUNT: AccountId = AccountId(70);
const BENS_ACCOUNT: AccountId = AccountId(71);
const EDGE: EdgeId = EdgeId(1);
const OTHER_EDGE: EdgeId = EdgeId(2);
const LOGIN: LoginId = LoginId(9);
/// When the ticket of these tests was asked for.
const ASKED_AT: UnixMillis = UnixMillis(1_000_000);
/// When areas have their news.
const NEWS: UnixMillis = UnixMillis(1_001_000);

fn characters() -> Characters {
    let tickets = Tickets::new(SECRET, PRIVATE).unwrap();
    Characters::new(tickets, area("harbor-1"), "start")
}

fn area(name: &str) -> AreaId {
    AreaId::new(name).unwrap()
}

fn to(name: &str) -> AggregateId {
    AggregateId::Area(area(name))
}

fn name() -> Sealed {
    Sealed {
        key: "realm.1".into(),
        nonce: vec![1; 24],
        bytes: vec![2; 19],
    }
}

fn ann(session: u64, edge: EdgeId) -> Traveller {
    Traveller {
        character: ANN,
        account: ANNS_ACCOUNT,
        name: name(),
        session: SessionFence(session),
        edge,
        ..Traveller::default()
    }
}

fn created() -> LobbyEvent {
    LobbyEvent::Created {
        character: ANN,
        account: ANNS_ACCOUNT,
        name: name(),
    }
}

fn ticket() -> Digest {
    Digest([4; 16])
}

/// What a ticket says that was asked for while the character was at `name`.
fn admits(name: &str) -> Admission {
    Admission {
        account: ANNS_ACCOUNT,
        login: LOGIN,
        area: Some(area(name)),
        protocol: 1,
        party: CharacterId(0),
    }
}

fn ticket_issued() -> LobbyEvent {
    ticket_issued_for("harbor-1")
}

fn ticket_issued_for(name: &str) -> LobbyEvent {
    LobbyEvent::TicketIssued {
        ticket: ticket(),
        expires_at: UnixMillis(ASKED_AT.0 + LIFETIME_MILLIS),
        admits: admits(name),
    }
}

fn started(session: u64, edge: EdgeId, resumed: bool) -> LobbyEvent {
    LobbyEvent::SessionStarted {
        session: SessionFence(session),
        edge,
        resumed,
        login: LOGIN,
    }
}

/// By a command, or by news, both of which come at the same time in these tests.
fn entered(name: &str) -> LobbyEvent {
    entered_at(name, ASKED_AT)
}

fn entered_at(name: &str, at: UnixMillis) -> LobbyEvent {
    LobbyEvent::EnteredWorld {
        area: area(name),
        at,
        party: CharacterId(0),
    }
}

fn located(name: &str, at: UnixMillis) -> LobbyEvent {
    LobbyEvent::Located {
        area: area(name),
        at,
    }
}

fn returned(traveller: Traveller, reason: DepartureReason) -> LobbyEvent {
    LobbyEvent::Returned {
        traveller: Box::new(traveller),
        last_seen: Some(at_the_mill()),
        reason,
        at: NEWS,
    }
}

fn at_the_mill() -> LastSeen {
    LastSeen {
        area: area("mill-1"),
        x: 512,
        y: 1024,
    }
}

fn create(account: AccountId) -> LobbyCommand {
    LobbyCommand::Create {
        character: ANN,
        account,
        name: name(),
    }
}

fn start(account: AccountId) -> LobbyCommand {
    LobbyCommand::Start {
        character: ANN,
        account,
        now: ASKED_AT,
        login: LOGIN,
        protocol: 1,
        company: None,
    }
}

fn join(ticket: Digest) -> LobbyCommand {
    join_as(ticket, admits("harbor-1"))
}

fn join_as(ticket: Digest, admits: Admission) -> LobbyCommand {
    LobbyCommand::Join {
        character: ANN,
        ticket,
        edge: EDGE,
        now: ASKED_AT,
        admits,
    }
}

fn resume(session: u64) -> LobbyCommand {
    LobbyCommand::Resume {
        character: ANN,
        session: SessionFence(session),
        edge: OTHER_EDGE,
    }
}

fn enter_at_start(traveller: Traveller) -> (AggregateId, EffectPayload) {
    let payload = EffectPayload::Enter {
        traveller: Box::new(traveller),
        entry: EntryPoint::Spawn("start".into()),
    };
    (to("harbor-1"), payload)
}

fn enter_at_the_mill(traveller: Traveller) -> (AggregateId, EffectPayload) {
    let payload = EffectPayload::Enter {
        traveller: Box::new(traveller),
        entry: EntryPoint::At { x: 512, y: 1024 },
    };
    (to("mill-1"), payload)
}

fn take_session(
    at: &str,
    session: u64,
    edge: EdgeId,
    resumed: bool,
) -> (AggregateId, EffectPayload) {
    let payload = EffectPayload::TakeSession {
        character: ANN,
        session: SessionFence(session),
        edge,
        resumed,
    };
    (to(at), payload)
}

fn located_effect(name: &str, session: u64) -> EffectPayload {
    EffectPayload::Located {
        character: ANN,
        area: area(name),
        session: SessionFence(session),
    }
}

fn returned_effect(traveller: Traveller, reason: DepartureReason) -> EffectPayload {
    EffectPayload::Returned {
        traveller: Box::new(traveller),
        last_seen: Some(at_the_mill()),
        reason,
    }
}

fn not_here(bounced: EffectPayload) -> EffectPayload {
    EffectPayload::NotHere {
        character: ANN,
        bounced: Box::new(bounced),
    }
}

fn when_given(
    rules: &Characters,
    events: impl IntoIterator<Item = LobbyEvent>,
) -> Given<'_, Characters> {
    given(rules, ANN.to_string(), events)
}

/// Ann has joined once and entered `harbor-1`.
fn in_the_harbor() -> Vec<LobbyEvent> {
    vec![
        created(),
        ticket_issued(),
        started(1, EDGE, false),
        entered("harbor-1"),
    ]
}

/// And a second session waits.
fn in_the_harbor_with_a_session_waiting() -> Vec<LobbyEvent> {
    let mut events = in_the_harbor();
    events.extend([ticket_issued(), started(2, OTHER_EDGE, false)]);
    events
}

#[test]
fn a_character_begins_in_the_lobbys_keeping() {
    let when = when_given(&characters(), []).when(create(ANNS_ACCOUNT));
    assert_eq!(
        when.state.place,
        Some(Place::Lobby(Box::new(Traveller {
            edge: EdgeId(0),
            ..ann(0, EDGE)
        })))
    );
    let answer = when.then([created()]).asking_nobody().answer();
    assert_eq!(answer, Some(LobbyReply::Created { character: ANN }));
}

#[test]
fn creating_it_again_changes_nothing_and_is_answered_alike() {
    let answer = when_given(&characters(), in_the_harbor())
        .when(create(ANNS_ACCOUNT))
        .then([])
        .asking_nobody()
        .answer();
    assert_eq!(answer, Some(LobbyReply::Created { character: ANN }));
}

#[test]
fn nobody_creates_over_somebody_elses_character() {
    when_given(&characters(), [created()])
        .when(create(BENS_ACCOUNT))
        .then([])
        .refused("not_yours");
}

#[test]
fn a_command_under_another_characters_key_is_refused() {
    given(&characters(), CharacterId(8).to_string(), [])
        .when(create(ANNS_ACCOUNT))
        .then([])
        .refused("wrong_key");
}

#[test]
fn the_owner_gets_a_ticket_good_for_thirty_seconds() {
    let rules = characters();
    let expires_at = UnixMillis(ASKED_AT.0 + 30_000);
    let answer = when_given(&rules, [created()])
        .at(ASKED_AT)
        .sequence(42)
        .when(start(ANNS_ACCOUNT))
        .then([LobbyEvent::TicketIssued {
            ticket: rules.tickets.digest(ANN, 42.into()),
            expires_at,
            admits: admits("harbor-1"),
        }])
        .answer();
    let ticket = rules
        .tickets
        .ticket(ANN, &admits("harbor-1"), 42.into(), expires_at);
    let area = area("harbor-1");
    assert_eq!(
        answer,
        Some(LobbyReply::Ticket {
            ticket,
            expires_at,
            area
        })
    );
}

#[test]
fn nobody_gets_a_ticket_for_somebody_elses_character_or_for_none() {
    for events in [vec![created()], vec![]] {
        when_given(&characters(), events)
            .when(start(BENS_ACCOUNT))
            .then([])
            .refused("not_yours");
    }
}

#[test]
fn whoever_joins_first_enters_at_the_start() {
    let answer = when_given(&characters(), [created(), ticket_issued()])
        .when(join(ticket()))
        .then([started(1, EDGE, false), entered("harbor-1")])
        .asking([enter_at_start(ann(1, EDGE))])
        .answer();
    let joined = LobbyReply::Joined {
        session: SessionFence(1),
        area: area("harbor-1"),
        name: name(),
        account: ANNS_ACCOUNT,
        login: LOGIN,
    };
    assert_eq!(answer, Some(joined));
}

#[test]
fn whoever_has_been_away_enters_where_it_stood_and_counts_from_one_again() {
    let back = Traveller {
        last_seq: 90,
        held: InputBits::RIGHT,
        rejections: vec![(89, Reason::NoDoor)],
        ..ann(1, EDGE)
    };
    let mut events = in_the_harbor();
    events.extend([
        returned(back, DepartureReason::Logout),
        ticket_issued_for("mill-1"),
    ]);
    when_given(&characters(), events)
        .when(join_as(ticket(), admits("mill-1")))
        .then([started(2, EDGE, false), entered("mill-1")])
        .asking([enter_at_the_mill(ann(2, EDGE))]);
}

#[test]
fn joining_while_in_the_world_takes_the_character_over_where_it_is() {
    let mut events = in_the_harbor();
    events.extend([located("forest-1", NEWS), ticket_issued_for("forest-1")]);
    let answer = when_given(&characters(), events)
        .when(join_as(ticket(), admits("forest-1")))
        .then([started(2, EDGE, false)])
        .asking([take_session("forest-1", 2, EDGE, false)])
        .answer();
    assert!(matches!(answer, Some(LobbyReply::Joined { area, .. }) if area.as_str() == "forest-1"));
}

#[test]
fn a_ticket_is_good_once() {
    when_given(&characters(), in_the_harbor())
        .when(join(ticket()))
        .then([])
        .asking_nobody()
        .refused("ticket_used");
}

#[test]
fn a_ticket_is_good_until_its_last_millisecond_by_the_brokers_clock() {
    let rules = characters();
    let last = UnixMillis(ASKED_AT.0 + LIFETIME_MILLIS);
    let at = |time| when_given(&rules, [created(), ticket_issued()]).at(time);
    at(last).when(join(ticket())).answer();
    at(UnixMillis(last.0 + 1))
        .when(join(ticket()))
        .then([])
        .refused("ticket_expired");
}

#[test]
fn only_the_last_ticket_is_known() {
    let newer = LobbyEvent::TicketIssued {
        ticket: Digest([5; 16]),
        expires_at: UnixMillis(ASKED_AT.0 + LIFETIME_MILLIS),
        admits: admits("harbor-1"),
    };
    let rules = characters();
    when_given(&rules, [created(), ticket_issued(), newer])
        .when(join(ticket()))
        .then([])
        .refused("ticket_unknown");
    for events in [vec![], vec![created()]] {
        when_given(&rules, events)
            .when(join(ticket()))
            .then([])
            .refused("ticket_unknown");
    }
}

#[test]
fn a_session_goes_on_with_a_higher_fence_on_another_edge() {
    let answer = when_given(&characters(), in_the_harbor())
        .when(resume(1))
        .then([started(2, OTHER_EDGE, true)])
        .asking([take_session("harbor-1", 2, OTHER_EDGE, true)])
        .answer();
    assert!(matches!(
        answer,
        Some(LobbyReply::Joined {
            session: SessionFence(2),
            ..
        })
    ));
}

#[test]
fn a_session_that_a_newer_one_has_replaced_does_not_go_on() {
    let rules = characters();
    for stale in [1, 3, 0] {
        when_given(&rules, in_the_harbor_with_a_session_waiting())
            .when(resume(stale))
            .then([])
            .refused("session_stale");
    }
    when_given(&rules, [created()])
        .when(resume(0))
        .refused("session_stale");
}

#[test]
fn a_session_whose_link_was_lost_goes_on_from_the_lobby_with_its_sequences() {
    let back = Traveller {
        last_seq: 90,
        rejections: vec![(89, Reason::NoDoor)],
        ..ann(1, EDGE)
    };
    let mut events = in_the_harbor();
    events.push(returned(back.clone(), DepartureReason::LinkDead));
    let again = Traveller {
        session: SessionFence(2),
        edge: OTHER_EDGE,
        ..back
    };
    when_given(&characters(), events)
        .when(resume(1))
        .then([started(2, OTHER_EDGE, true), entered("mill-1")])
        .asking([enter_at_the_mill(again)]);
}

#[test]
fn a_session_that_logged_out_is_over_and_the_next_join_is_not() {
    let mut events = in_the_harbor();
    events.push(returned(ann(1, EDGE), DepartureReason::Logout));
    let rules = characters();
    when_given(&rules, events.clone())
        .when(resume(1))
        .then([])
        .refused("session_over");
    events.extend([ticket_issued(), started(2, EDGE, false), entered("mill-1")]);
    when_given(&rules, events).when(resume(2)).answer();
}

#[test]
fn a_character_whose_area_does_not_answer_begins_no_endless_row_of_sessions() {
    when_given(&characters(), in_the_harbor())
        .pending(32)
        .when(resume(1))
        .then([])
        .asking_nobody()
        .refused("busy");
}

#[test]
fn news_moves_the_character() {
    when_given(&characters(), in_the_harbor())
        .when_sent(to("forest-1"), NEWS, located_effect("forest-1", 1))
        .then([located("forest-1", NEWS)])
        .asking_nobody();
}

#[test]
fn old_news_of_another_area_is_passed_over() {
    let mut events = in_the_harbor();
    events.push(located("forest-1", NEWS));
    let before = UnixMillis(NEWS.0 - 1);
    when_given(&characters(), events)
        .when_sent(to("mill-1"), before, located_effect("mill-1", 1))
        .then([])
        .asking_nobody();
}

#[test]
fn news_of_a_character_in_the_lobbys_keeping_is_old() {
    let mut events = in_the_harbor();
    events.push(returned(ann(1, EDGE), DepartureReason::Logout));
    let later = UnixMillis(NEWS.0 + 1);
    when_given(&characters(), events)
        .when_sent(to("forest-1"), later, located_effect("forest-1", 1))
        .then([])
        .asking_nobody();
}

#[test]
fn a_waiting_session_is_let_in_where_the_character_is_located() {
    when_given(&characters(), in_the_harbor_with_a_session_waiting())
        .when_sent(to("forest-1"), NEWS, located_effect("forest-1", 1))
        .then([located("forest-1", NEWS)])
        .asking([take_session("forest-1", 2, OTHER_EDGE, false)]);
}

#[test]
fn a_character_that_comes_back_is_kept_where_it_stood() {
    let when = when_given(&characters(), in_the_harbor()).when_sent(
        to("harbor-1"),
        NEWS,
        returned_effect(ann(1, EDGE), DepartureReason::LinkDead),
    );
    assert_eq!(when.state.last_seen, Some(at_the_mill()));
    assert!(matches!(when.state.place, Some(Place::Lobby(_))));
    when.then([returned(ann(1, EDGE), DepartureReason::LinkDead)])
        .asking_nobody();
}

#[test]
fn a_character_that_comes_back_while_a_session_waits_goes_in_again_at_once() {
    when_given(&characters(), in_the_harbor_with_a_session_waiting())
        .when_sent(
            to("harbor-1"),
            NEWS,
            returned_effect(ann(1, EDGE), DepartureReason::Logout),
        )
        .then([
            returned(ann(1, EDGE), DepartureReason::Logout),
            entered_at("mill-1", NEWS),
        ])
        .asking([enter_at_the_mill(ann(2, OTHER_EDGE))]);
}

#[test]
fn an_area_that_could_not_take_the_waiting_session_is_not_asked_for_ever() {
    when_given(&characters(), in_the_harbor())
        .when_sent(
            to("harbor-1"),
            NEWS,
            returned_effect(ann(1, EDGE), DepartureReason::SentOn),
        )
        .then([returned(ann(1, EDGE), DepartureReason::SentOn)])
        .asking_nobody();
}

#[test]
fn a_character_that_is_here_is_not_taken_a_second_time() {
    when_given(&characters(), [created()])
        .when_sent(
            to("harbor-1"),
            NEWS,
            returned_effect(ann(1, EDGE), DepartureReason::Logout),
        )
        .then([])
        .asking_nobody();
}

#[test]
fn what_bounced_is_sent_where_the_character_is_by_now() {
    let mut events = in_the_harbor_with_a_session_waiting();
    events.push(located("forest-1", NEWS));
    let bounced = take_session("harbor-1", 2, OTHER_EDGE, false);
    when_given(&characters(), events)
        .when_sent(to("harbor-1"), NEWS, not_here(bounced.1))
        .then([])
        .asking([take_session("forest-1", 2, OTHER_EDGE, false)]);
}

#[test]
fn what_bounced_waits_for_news_when_nothing_better_is_known() {
    let bounced = take_session("harbor-1", 2, OTHER_EDGE, false);
    when_given(&characters(), in_the_harbor_with_a_session_waiting())
        .when_sent(to("harbor-1"), NEWS, not_here(bounced.1))
        .then([LobbyEvent::Missed {
            area: area("harbor-1"),
            at: NEWS,
        }])
        .asking_nobody();
}

#[test]
fn a_bounced_session_that_is_no_longer_the_newest_is_dropped() {
    let mut events = in_the_harbor_with_a_session_waiting();
    events.push(located("forest-1", NEWS));
    let bounced = take_session("harbor-1", 1, EDGE, false);
    when_given(&characters(), events)
        .when_sent(to("harbor-1"), NEWS, not_here(bounced.1))
        .then([])
        .asking_nobody();
}

#[test]
fn what_is_not_an_areas_to_say_is_passed_over() {
    let rules = characters();
    let stranger = AggregateId::Character(CharacterId(8));
    when_given(&rules, in_the_harbor())
        .when_sent(stranger, NEWS, located_effect("forest-1", 1))
        .then([])
        .asking_nobody();
    let meant_for_areas = enter_at_start(ann(1, EDGE)).1;
    when_given(&rules, in_the_harbor())
        .when_sent(to("harbor-1"), NEWS, meant_for_areas)
        .then([])
        .asking_nobody();
}

#[test]
fn a_ticket_is_good_where_the_character_is_and_nowhere_else() {
    let rules = characters();
    let mut events = vec![created(), ticket_issued_for("harbor-1")];
    when_given(&rules, events.clone())
        .when(join_as(ticket(), admits("forest-1")))
        .then([])
        .refused("ticket_other_area");
    // The session before it has walked on meanwhile.
    events = in_the_harbor();
    events.extend([ticket_issued(), located("forest-1", NEWS)]);
    when_given(&rules, events)
        .when(join(ticket()))
        .then([])
        .asking_nobody()
        .refused("ticket_other_area");
}

#[test]
fn a_ticket_is_good_for_the_protocol_account_and_login_that_asked_for_it() {
    let rules = characters();
    let said = admits("harbor-1");
    let wrong = [
        (
            Admission {
                protocol: 2,
                ..said.clone()
            },
            "ticket_other_protocol",
        ),
        (
            Admission {
                account: BENS_ACCOUNT,
                ..said.clone()
            },
            "ticket_unknown",
        ),
        (
            Admission {
                login: LoginId(10),
                ..said
            },
            "ticket_unknown",
        ),
    ];
    for (admits, code) in wrong {
        when_given(&rules, [created(), ticket_issued()])
            .when(join_as(ticket(), admits))
            .then([])
            .refused(code);
    }
}

#[test]
fn an_area_that_is_no_more_leads_to_a_safe_place() {
    let rules = characters().in_areas(OpenAreas::only([area("harbor-1")]));
    let mut events = in_the_harbor();
    events.push(returned(ann(1, EDGE), DepartureReason::Logout));
    let answer = when_given(&rules, events.clone())
        .when(start(ANNS_ACCOUNT))
        .answer();
    assert!(matches!(answer, Some(LobbyReply::Ticket { area, .. }) if area.as_str() == "harbor-1"));
    events.push(ticket_issued());
    when_given(&rules, events)
        .when(join(ticket()))
        .then([started(2, EDGE, false), entered("harbor-1")])
        .asking([enter_at_start(ann(2, EDGE))]);
}

fn start_with(company: Option<Company>) -> LobbyCommand {
    let LobbyCommand::Start {
        character,
        account,
        now,
        login,
        protocol,
        ..
    } = start(ANNS_ACCOUNT)
    else {
        unreachable!()
    };
    LobbyCommand::Start {
        character,
        account,
        now,
        login,
        protocol,
        company,
    }
}

fn bens_company(name: &str) -> Company {
    Company {
        party: CharacterId(8),
        area: area(name),
    }
}

#[test]
fn who_joins_a_party_enters_where_it_is_and_belongs_to_it() {
    let rules = characters().in_areas(OpenAreas::only([area("harbor-1"), area("mill-1")]));
    let answer = when_given(&rules, [created()])
        .when(start_with(Some(bens_company("mill-1"))))
        .answer();
    assert!(matches!(answer, Some(LobbyReply::Ticket { area, .. }) if area.as_str() == "mill-1"));
    let admits = Admission {
        party: CharacterId(8),
        ..admits("mill-1")
    };
    let issued = LobbyEvent::TicketIssued {
        ticket: ticket(),
        expires_at: NEWS,
        admits: admits.clone(),
    };
    let traveller = Traveller {
        party: CharacterId(8),
        ..ann(1, EDGE)
    };
    let enter = EffectPayload::Enter {
        traveller: Box::new(traveller),
        entry: EntryPoint::Spawn("start".into()),
    };
    let entered = LobbyEvent::EnteredWorld {
        area: area("mill-1"),
        at: ASKED_AT,
        party: CharacterId(8),
    };
    when_given(&rules, [created(), issued])
        .when(join_as(ticket(), admits))
        .then([started(1, EDGE, false), entered])
        .asking([(to("mill-1"), enter)]);
}

#[test]
fn nobody_joins_a_party_from_within_the_world_or_where_nobody_can_enter() {
    let rules = characters().in_areas(OpenAreas::only([area("harbor-1")]));
    when_given(&rules, in_the_harbor())
        .when(start_with(Some(bens_company("harbor-1"))))
        .then([])
        .refused("in_the_world");
    when_given(&rules, [created()])
        .when(start_with(Some(bens_company("mill-1"))))
        .then([])
        .refused("company_unreachable");
}
