// Sums over a binary tree of numbers from 0: of n of them, the left one's are as many as the largest power of two below n.
// A sum waits until its neighbour is there.
const LEVELS: u32 = 1; // sums that wait, at most

// How many sums wait for that of `number`, the last of which are the last to be joined to it.
fn joins(number: u32, count: u32) -> u32 {
    return select(countTrailingZeros(~number), countOneBits(number), number + 1 == count);
}
