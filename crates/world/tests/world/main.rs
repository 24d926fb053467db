//! The rules, told as sentences, and the properties that hold for every history.

mod doors;
mod effects;
mod instances;
mod journeys;
mod moving;
mod numbers;
mod older;
mod properties;
mod sessions;
mod speech;
mod support;
mod trajectories;
