//! The kinds of load. Each is the shape of a well-known benchmark or of a kind of program, not a copy of its code.

use crate::block::{Block, Dice};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

/// A name, and the load for so many threads and so many allocations in all.
pub type Kind = (&'static str, fn(usize, usize));

pub const KINDS: [Kind; 10] = [
    ("random", random),
    ("handoff", handoff),
    ("larson", larson),
    ("short-threads", short_threads),
    ("xmalloc", xmalloc),
    ("mstress", mstress),
    ("large", large),
    ("realloc", realloc),
    ("glibc-simple", glibc_simple),
    ("glibc-thread", glibc_thread),
];

/// Runs `work(number of the thread)` in so many threads; one thread is the main one, as in a program without threads.
fn each(threads: usize, work: impl Fn(usize) + Sync) {
    if threads == 1 {
        return work(0);
    }
    thread::scope(|scope| {
        for number in 0..threads {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

/// Replaces `steps` random ones of `live`.
fn replace(live: &mut [Option<Block>], dice: &mut Dice, steps: usize, mut bytes: impl FnMut(&mut Dice) -> usize) {
    for _ in 0..steps {
        let at = dice.below(live.len());
        live[at] = None; // freed first, as a program does that has no use for both
        live[at] = Some(Block::new(bytes(dice)));
    }
}

fn slots(count: usize) -> Vec<Option<Block>> {
    (0..count).map(|_| None).collect()
}

fn small(dice: &mut Dice) -> usize {
    16 + dice.below(1009)
}

/// Each thread for itself, with 10,000 live blocks in all of random sizes.
fn random(threads: usize, work: usize) {
    each(threads, |number| replace(&mut slots(10_000 / threads), &mut Dice::new(number), work / threads, small));
}

/// Each thread allocates, the next one frees; one thread alone keeps a queue of its own.
fn handoff(threads: usize, work: usize) {
    const BATCH: usize = 100;
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..threads).map(|_| sync_channel::<Vec<Block>>(16)).unzip();
    let receivers: Vec<_> = receivers.into_iter().map(|receiver| Mutex::new(Some(receiver))).collect();
    let senders: Vec<_> = senders.into_iter().map(|sender| Mutex::new(Some(sender))).collect();
    each(threads, |number| {
        let mut dice = Dice::new(number);
        let take = "each thread takes its own";
        let to = senders[(number + 1) % threads].lock().expect(take).take().expect(take);
        let from = receivers[number].lock().expect(take).take().expect(take);
        for _ in 0..work / threads / BATCH {
            to.send((0..BATCH).map(|_| Block::new(small(&mut dice))).collect()).expect("the next thread listens");
            drop(from.recv().expect("the thread before sends as much"));
        }
    });
}

/// A server: each thread replaces random ones of 1,000 blocks, then a successor goes on with what it leaves behind.
fn larson(threads: usize, work: usize) {
    const GENERATIONS: usize = 20;
    fn generation(mut live: Vec<Option<Block>>, seed: usize, steps: usize) -> Vec<Option<Block>> {
        replace(&mut live, &mut Dice::new(seed), steps, small);
        live
    }
    each(threads, |number| {
        let mut live = slots(1000);
        for age in 0..GENERATIONS {
            let (seed, steps) = (number * GENERATIONS + age, work / threads / GENERATIONS);
            let successor = thread::spawn(move || generation(live, seed, steps));
            live = successor.join().expect("the successor ends well");
        }
    });
}

/// Many threads, of which each does little and leaves nothing.
fn short_threads(threads: usize, work: usize) {
    const EACH: usize = 1000;
    let left = AtomicUsize::new(work / EACH);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    each(threads, |_| {
        while let Ok(seed) = take() {
            let short = thread::spawn(move || {
                let mut dice = Dice::new(seed);
                drop((0..EACH).map(|_| Block::new(small(&mut dice))).collect::<Vec<_>>());
            });
            short.join().expect("it ends well");
        }
    });
}

/// Batches of blocks go through one pool: whoever finds one frees it, wherever it is from.
fn xmalloc(threads: usize, work: usize) {
    const BATCH: usize = 120;
    let pool: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());
    each(threads, |number| {
        let mut dice = Dice::new(number);
        for _ in 0..work / threads / BATCH {
            let made = (0..BATCH).map(|_| Block::new(dice.skewed(7))).collect();
            let found = {
                let mut pool = pool.lock().expect("nobody panics");
                pool.push(made);
                let at = dice.below(pool.len());
                (pool.len() > 40).then(|| pool.swap_remove(at))
            };
            drop(found);
        }
    });
}

/// Blocks of skewed sizes live in a thread or in a place that all threads share, and change between the two.
fn mstress(threads: usize, work: usize) {
    let shared: Vec<Mutex<Option<Block>>> = (0..1000).map(|_| Mutex::new(None)).collect();
    each(threads, |number| {
        let mut dice = Dice::new(number);
        let mut own: Vec<Block> = Vec::new();
        for _ in 0..work / threads {
            own.push(Block::new(dice.skewed(11)));
            match dice.below(100) {
                // Half of what is alive goes at once, the youngest first.
                0 => own.truncate(own.len() / 2),
                1..50 => {
                    let at = dice.below(own.len());
                    own.swap_remove(at);
                }
                50..75 => {
                    let at = dice.below(shared.len());
                    let given = own.pop();
                    let taken = { std::mem::replace(&mut *shared[at].lock().expect("nobody panics"), given) };
                    own.extend(taken);
                }
                _ => {}
            }
        }
    });
}

/// Sizes that an allocator gets from the system one by one, unless it knows better.
fn large(threads: usize, work: usize) {
    each(threads, |number| {
        let bytes = |dice: &mut Dice| (128 << 10) + dice.below(2 << 20);
        replace(&mut slots(8), &mut Dice::new(number), work / 100 / threads, bytes);
    });
}

/// Eight buffers per thread grow side by side by half of what they have.
fn realloc(threads: usize, work: usize) {
    each(threads, |_| {
        let mut done = 0;
        while done < work / threads {
            let mut buffers: [Vec<u8>; 8] = Default::default();
            let mut capacity = 16;
            while capacity < 100_000 {
                for buffer in &mut buffers {
                    buffer.reserve_exact(capacity - buffer.len());
                    buffer.resize(capacity, 1);
                    done += 1;
                }
                capacity += capacity / 2;
            }
        }
    });
}

/// The C library's bench-malloc-simple: so many blocks of one size, freed in order.
fn glibc_simple(threads: usize, work: usize) {
    each(threads, |_| {
        let mut done = 0;
        while done < work / threads {
            for bytes in [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096] {
                for count in [25, 100, 400, 1600] {
                    drop((0..count).map(|_| Block::new(bytes)).collect::<Vec<_>>());
                    done += count;
                }
            }
        }
    });
}

/// The C library's bench-malloc-thread: 1,024 live blocks per thread, sizes up to 32 KiB, small ones far more often.
fn glibc_thread(threads: usize, work: usize) {
    each(threads, |number| {
        replace(&mut slots(1024), &mut Dice::new(number), work / threads, |dice| dice.skewed(10));
    });
}
