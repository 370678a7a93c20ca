// Nearest neighbours: keeps, of all samples that a query has met so far, the NEIGHBOURS with the smallest distance.
//
// |query - sample|^2 = |query|^2 - 2 (query . sample - |sample|^2 / 2), so the nearest sample is the one with the greatest
// query . sample - |sample|^2 / 2, its closeness here. The inner products come from conv_forward.wgsl, for SAMPLES samples
// at a time; of equally close ones the earlier is the nearer.

const SAMPLES: u32 = 4;
const QUERIES: u32 = 8;
const NEIGHBOURS: u32 = 3;
const THREADS: u32 = 64;

// Samples that are compared at a time: most are no query's neighbours, and then one comparison says so of all of them.
const TOGETHER: u32 = 8;

struct Span { first: u32, count: u32 }

@group(0) @binding(0) var<storage, read> products: array<f32>; // [SAMPLES, QUERIES]
@group(0) @binding(1) var<storage, read> half_squares: array<f32>; // [SAMPLES], |sample|^2 / 2
@group(0) @binding(2) var<storage, read> span: Span; // number of the first of these samples, and how many there are
@group(0) @binding(3) var<storage, read_write> closeness: array<f32>; // [NEIGHBOURS, QUERIES], the greatest first
@group(0) @binding(4) var<storage, read_write> neighbours: array<u32>; // [NEIGHBOURS, QUERIES], the samples' numbers

// A thread has one query, so that a workgroup reads neighbouring products.
@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
    let query = group.x * THREADS + thread.x;
    if query >= QUERIES {
        return;
    }
    var greatest: array<f32, NEIGHBOURS>;
    var nearest: array<u32, NEIGHBOURS>;
    for (var place = 0u; place < NEIGHBOURS; place++) {
        greatest[place] = closeness[place * QUERIES + query];
        nearest[place] = neighbours[place * QUERIES + query];
    }
    let least_at_start = greatest[NEIGHBOURS - 1];
    var least = least_at_start;
    let count = min(span.count, SAMPLES);
    for (var first = 0u; first < count; first += TOGETHER) {
        var candidates: array<f32, TOGETHER>;
        var closest = least;
        for (var member = 0u; member < TOGETHER; member++) {
            // Beyond the last sample, the last one again.
            let sample = min(first + member, count - 1);
            candidates[member] = products[sample * QUERIES + query] - half_squares[sample];
            closest = max(closest, candidates[member]);
        }
        if closest > least {
            for (var member = 0u; member < min(TOGETHER, count - first); member++) {
                var candidate = candidates[member];
                var number = span.first + first + member;
                var closer = false;
                // It takes its place, and each farther one moves on by one. All places are visited, since an array that
                // is indexed by what differs from thread to thread is not kept in registers.
                for (var place = 0u; place < NEIGHBOURS; place++) {
                    closer = closer || candidate > greatest[place];
                    let moved = greatest[place];
                    let moved_number = nearest[place];
                    greatest[place] = select(moved, candidate, closer);
                    nearest[place] = select(moved_number, number, closer);
                    candidate = select(candidate, moved, closer);
                    number = select(number, moved_number, closer);
                }
            }
            least = greatest[NEIGHBOURS - 1];
        }
    }
    if least == least_at_start {
        return;
    }
    for (var place = 0u; place < NEIGHBOURS; place++) {
        closeness[place * QUERIES + query] = greatest[place];
        neighbours[place * QUERIES + query] = nearest[place];
    }
}
