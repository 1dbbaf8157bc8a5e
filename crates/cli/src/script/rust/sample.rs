//! Scripts like chance, with as much in them as a test program could have to say.

use osmem_oracle::program::{Op, Pointer, Refused};
use proptest::prelude::*;

fn pointer() -> impl Strategy<Value = Pointer> {
    let offset = prop_oneof![12 => Just(0), 2 => prop::sample::select(vec![8, 16, 1032]), 1 => -32..0_i64];
    prop_oneof![
        1 => Just(Pointer::Null),
        1 => Just(Pointer::Stack),
        12 => (0..6_u32, offset).prop_map(|(slot, offset)| Pointer::Slot { slot, offset }),
    ]
}

fn size() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => prop::sample::select(vec![0, 8, 100, 1000, 1000, 1000, 5000, 60_000]),
        2 => prop::sample::select(vec![131_032, 131_033, 200_000]),
        1 => prop::sample::select(vec![u64::MAX, 1 << 63, 1 << 62, u64::MAX - 40]),
    ]
}

/// One step over few slots, so that they meet.
pub fn op() -> impl Strategy<Value = Op> {
    let refused = prop::sample::select(vec![Refused::Nothing, Refused::Nothing, Refused::Break, Refused::Mappings]);
    prop_oneof![
        6 => (0..6_u32, size()).prop_map(|(slot, size)| Op::Malloc { slot, size }),
        2 => (0..6_u32, 0..20_u64, size()).prop_map(|(slot, nmemb, size)| Op::Calloc { slot, nmemb, size }),
        5 => (0..6_u32, pointer(), size()).prop_map(|(slot, pointer, size)| Op::Realloc { slot, pointer, size }),
        6 => pointer().prop_map(|pointer| Op::Free { pointer }),
        1 => prop::sample::select(vec![4096, 24, 0, -1, -4096]).prop_map(|by| Op::MoveBreak { by }),
        1 => refused.prop_map(Op::Refuse),
    ]
}
