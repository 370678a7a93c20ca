//! The one place where this program waits for a future. A native thread blocks; a browser's must not, since nothing that
//! it waits for would happen: there the stack is suspended until the future's waker is called.

#[cfg(not(target_family = "wasm"))]
pub(super) use pollster::block_on;

/// What the future comes to. The caller must have been entered by WebAssembly's JavaScript Promise Integration.
#[cfg(target_family = "wasm")]
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    // What the page's module of that name exports.
    #[link(wasm_import_module = "./waiting.js")]
    unsafe extern "C" {
        /// Returns after [`wake`] was called, or at once where that was since the last time.
        safe fn suspend();
        safe fn wake();
    }

    struct Stack;

    impl Wake for Stack {
        fn wake(self: Arc<Self>) {
            wake();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Stack));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => suspend(),
        }
    }
}
