//! One named fault each.
