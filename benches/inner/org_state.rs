//! The state machine of one org, walked from the plan to a final state.
//!
//! *Includes* the match of transitions, once for each input. *Excludes* finding the inputs out, and journalling them.
//! A walk's inputs are the number of elements.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use orgwave_core::org::{Input, OrgState};

criterion_group!(group, org_state);

fn org_state(criterion: &mut Criterion) {
    let straight =
        [Input::Differs, Input::Intent, Input::Acked { warned: false }, Input::Verify, Input::LiveAsDesired];
    let doubted = [
        Input::Differs,
        Input::Intent,
        Input::NotApplied,
        Input::Intent,
        Input::Lost,
        Input::Verify,
        Input::LiveAsBefore,
        Input::StillAsBefore { attempts_left: true },
        Input::Differs,
        Input::Intent,
        Input::Lost,
        Input::Resumed,
        Input::Verify,
        Input::LiveAsDesired,
    ];
    let mut group = criterion.benchmark_group("org state");
    for (name, inputs) in [("straight", &straight[..]), ("in doubt, then resumed", &doubted[..])] {
        group.throughput(Throughput::Elements(inputs.len() as u64));
        group.bench_function(BenchmarkId::new("walk", name), |bencher| {
            bencher.iter(|| {
                let end = inputs.iter().fold(OrgState::new(), |state, input| {
                    state.next(*black_box(input)).expect("a legal walk")
                });
                end.status()
            });
        });
    }
    group.finish();
}
