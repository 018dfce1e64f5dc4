//! Orgs with several steps: what one of them means for the org's others, for other orgs, and for a later process.
