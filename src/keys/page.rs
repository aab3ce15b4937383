//! A page of memory for one secret: never written to swap where the system allows it, wiped when it is given back.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of stack that [`scrub`] wipes: deeper than anything this room calls with a secret in its hands.
const STACK: usize = 1 << 15;

/// Whether the system ever refused to keep a secret's page in memory.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Whether all secrets so far lie in memory that is never written to swap. Where the system refuses that (a limit on
/// locked memory), a run goes on: this is how it comes to tell.
#[must_use]
pub fn kept_from_swap() -> bool {
    !REFUSED.load(Ordering::Relaxed)
}

/// A page, and nothing else on it: giving one secret's page back to the system's care must not free another's.
#[repr(align(4096))]
struct Page<T>(T);

/// A secret on a page of its own. It is filled in place and never moves, so that no copy is left behind on a stack.
pub(super) struct Kept<T: Zeroize> {
    /// Released before the page is freed (fields drop in this order), and after it is wiped (`Drop` comes first).
    lock: Option<region::LockGuard>,
    page: Box<Page<T>>,
}

impl<T: Zeroize + Default> Default for Kept<T> {
    fn default() -> Self {
        let page = Box::new(Page(T::default()));
        let lock = region::lock(std::ptr::from_ref(&*page), size_of::<Page<T>>());
        REFUSED.fetch_or(lock.is_err(), Ordering::Relaxed);
        Self { lock: lock.ok(), page }
    }
}

impl<T: Zeroize> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.page.0
    }
}

impl<T: Zeroize> DerefMut for Kept<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.page.0
    }
}

impl<T: Zeroize> Zeroize for Kept<T> {
    fn zeroize(&mut self) {
        self.page.0.zeroize();
    }
}

impl<T: Zeroize> Drop for Kept<T> {
    fn drop(&mut self) {
        self.zeroize();
        // Where the machine's pages are larger than ours, neighbours share one: it then stays locked for good.
        if region::page::size() > size_of::<Page<T>>() {
            std::mem::forget(self.lock.take());
        }
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Kept<T> {}

/// Wipes the stack below the caller, where what it called left its locals.
#[inline(never)]
pub(super) fn scrub() {
    let mut below = [0_u8; STACK];
    below.zeroize();
    std::hint::black_box(&below);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_its_page_to_itself_and_is_wiped() {
        let mut kept: Vec<Kept<[u8; 32]>> = (0..8).map(|_| Kept::default()).collect();
        for one in &mut kept {
            one.fill(7);
            assert_eq!((std::ptr::from_ref(&**one).addr() % 4096, size_of::<Page<[u8; 32]>>()), (0, 4096));
        }
        kept[0].zeroize();
        assert_eq!((*kept[0], *kept[1]), ([0; 32], [7; 32]));
        kept.truncate(3);
        assert_eq!(*kept[2], [7; 32]);
    }
}
