// A thread's number in its workgroup: not the built-in one, which lavapipe divides for.
fn thread_index(thread: vec3<u32>) -> u32 {
    return thread.y * THREADS_X + thread.x;
}

// The value itself, which is below 2^31, but as something that the loop may change: a loop-carry barrier. What a loop does not
// change, lavapipe's compiler does not keep over a workgroup's barrier but computes again in every round, and finding a
// thread's addresses takes integer divisions.
fn loop_carried(value: u32) -> u32 {
    return select(value, min(value, 0x7fffffffu), LOOP_CARRY == 1);
}
