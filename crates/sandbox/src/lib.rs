//! orgwave-sandbox
