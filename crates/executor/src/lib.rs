//! orgwave-executor
