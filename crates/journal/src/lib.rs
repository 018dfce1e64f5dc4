//! orgwave-journal
