//! The fleet's parts, each against something that behaves like the real thing.

mod local;
mod plant;
mod policy;
mod properties;
mod scaler;

#[cfg(feature = "kubernetes")]
mod api_server;
#[cfg(feature = "kubernetes")]
mod kubernetes;
