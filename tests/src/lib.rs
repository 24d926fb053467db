//! worldline-tests
