//! orgwave-reporter
