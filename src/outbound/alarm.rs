//! A waker of one's own for something that is polled inside of a larger task.
//!
//! It remembers that it rang, so that what it stands for is polled only when there is something to do, and it wakes the
//! task that has that thing now: another than had it before, or none while nobody waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// Rings when what was polled with its waker has something to do.
#[derive(Debug)]
pub struct Alarm {
    rung: AtomicBool,
    /// While it is set nobody is woken; whoever takes it away looks at `rung` afterwards.
    muted: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Alarm {
    /// An alarm that has rung already, wakes nobody yet, and its waker.
    pub fn new() -> (Arc<Self>, Waker) {
        let alarm = Arc::new(Self {
            rung: AtomicBool::new(true),
            muted: AtomicBool::new(true),
            task: Mutex::new(None),
        });
        let waker = Waker::from(Arc::clone(&alarm));
        (alarm, waker)
    }

    /// Wakes nobody until [`Alarm::wakes`].
    pub fn mute(&self) {
        self.muted.store(true, Ordering::SeqCst);
    }

    /// Wakes nobody until [`Alarm::wakes`], and forgets whom it woke, so that nothing of that task is kept in memory.
    pub fn forget(&self) {
        self.mute();
        self.task().take();
    }

    /// Wakes the task of `waker` from now on. Whoever asks for that looks next whether it rang before.
    pub fn wakes(&self, waker: &Waker) {
        let mut task = self.task();
        if !task.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *task = Some(waker.clone());
        }
        drop(task);
        self.muted.store(false, Ordering::SeqCst);
    }

    /// Whether it rang since [`Alarm::take`].
    pub fn is_rung(&self) -> bool {
        self.rung.load(Ordering::SeqCst)
    }

    /// Whether it rang; from now on it has not.
    pub fn take(&self) -> bool {
        self.is_rung() && self.rung.swap(false, Ordering::SeqCst)
    }

    fn task(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let before = self.rung.swap(true, Ordering::SeqCst);
        if before || self.muted.load(Ordering::SeqCst) {
            return;
        }
        let task = self.task().clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn it_wakes_whoever_has_it_now_once_per_ring_and_nobody_while_it_is_muted() {
        let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        let woken = |who: &Arc<Woken>| who.0.load(Ordering::SeqCst);
        let (alarm, waker) = Alarm::new();
        assert!(alarm.take(), "there is always a first look");
        waker.wake_by_ref();
        assert!(alarm.take(), "a ring is not lost though nobody is woken");
        alarm.wakes(&Waker::from(Arc::clone(&first)));
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert_eq!(woken(&first), 1);
        assert!(alarm.take() && !alarm.take());
        alarm.wakes(&Waker::from(Arc::clone(&second)));
        waker.wake_by_ref();
        assert_eq!((woken(&first), woken(&second)), (1, 1));
        alarm.take();
        alarm.mute();
        waker.wake_by_ref();
        assert_eq!(woken(&second), 1);
        assert!(alarm.is_rung());
        alarm.forget();
        assert_eq!(Arc::strong_count(&second), 1);
    }
}
