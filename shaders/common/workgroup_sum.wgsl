// The sum of what a workgroup's threads have, in their order: thread 0 gets it.
var<workgroup> sums: array<f32, THREADS>;

fn workgroup_sum(thread: u32, own: f32) -> f32 {
    sums[thread] = own;
    workgroupBarrier();
    var sum = own;
    if thread == 0 {
        for (var other = 1u; other < THREADS; other++) {
            sum += sums[other];
        }
    }
    return sum;
}
