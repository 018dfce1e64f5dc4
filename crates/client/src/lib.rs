//! orgwave-client
