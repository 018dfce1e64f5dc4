//! placeholder
/// x
pub struct EventLines;
/// x
pub struct Fanout;
/// x
pub struct Progress;
/// x
pub struct RunLog;
