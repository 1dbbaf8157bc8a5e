//! Reading what a program writes, without keeping all of it and without waiting for it.

use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::News;
use crate::spec::Limits;
use crate::tail::Tail;

/// How long the end of the stream is waited for once strace is gone: a process that strace did not see may hold it open.
const GRACE: Duration = Duration::from_millis(200);

/// A thread that reads a stream to its end and keeps the last bytes.
pub struct Drain {
    tail: Arc<Mutex<Tail>>,
    /// Closed when the stream has ended.
    end: Receiver<()>,
}

impl Drain {
    /// Starts reading; each stream by itself may hold [`Limits::output`] bytes.
    pub fn start(stream: Option<impl Read + Send + 'static>, limits: &Limits, news: Sender<News>) -> Self {
        let tail = Arc::new(Mutex::new(Tail::new(limits.tail)));
        let (closes_at_end, end) = channel();
        let (shared, limit) = (Arc::clone(&tail), limits.output);
        thread::spawn(move || {
            let _closes_at_end: Sender<()> = closes_at_end;
            let (mut stream, mut buffer) = (stream, vec![0; 1 << 16]);
            while let Some(length @ 1..) = stream.as_mut().and_then(|stream| read(stream, &mut buffer)) {
                let mut tail = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let before = tail.total();
                tail.add(&buffer[..length]);
                if before <= limit && tail.total() > limit {
                    // Nobody listens any more if the run is over.
                    let _ = news.send(News::Flood);
                }
            }
        });
        Self { tail, end }
    }

    /// The last bytes.
    pub fn finish(self) -> Vec<u8> {
        // An error either way: the stream has ended, or it is held open by someone.
        let _ = self.end.recv_timeout(GRACE);
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.last().to_vec()
    }
}

/// Reads on; `None` where the stream is broken.
fn read(stream: &mut impl Read, buffer: &mut [u8]) -> Option<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            result => return result.ok(),
        }
    }
}
