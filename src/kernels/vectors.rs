//! Loops in the widest vectors that the processor has, whatever processor the program was compiled for.

use pulp::{Arch, Simd, WithSimd};

/// Runs `work`, of which there is machine code for every kind of processor. Only what is compiled into the closure
/// itself gains by it: mark the closure `#[inline(always)]`, and keep its loops simple enough for the compiler.
pub fn vectorised(work: impl FnMut()) {
    Arch::new().dispatch(Loops(work));
}

struct Loops<F>(F);

impl<F: FnMut()> WithSimd for Loops<F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        (self.0)();
    }
}
