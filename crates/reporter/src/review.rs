//! placeholder
/// x
pub struct PlanReview;
