//! Deltas: instructions that make one object from another, as copies from that base and as inserted bytes.
//!
//! Source: <https://git-scm.com/docs/gitformat-pack#_deltified_representation>

/// The length of the base's blocks that are looked up, in bytes.
const BLOCK: usize = 16;

/// The shortest copy, in bytes: below it the instruction costs more, once deflated, than the bytes that it saves.
const SHORTEST_COPY: usize = 24;

/// How many bytes of text deflate to as much as a copy instruction, which hardly deflates.
const COPY_COST: usize = 16;

/// How many places of one hash are compared.
const CANDIDATES: usize = 8;

/// The longest copy of one instruction, and the longest insertion.
const LONGEST_COPY: usize = 0x1_0000;
const LONGEST_INSERTION: usize = 0x7f;

/// The delta that makes `target` from `base`; `None` unless it is less than half as long as `target`.
pub(super) fn between(base: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    let limit = (target.len() / 2).checked_sub(20)?;
    Index::of(base)?.delta(target, limit).filter(|delta| delta.len() <= limit)
}

/// A base and the places of its blocks. Takes about as much memory as the base.
pub(super) struct Index<'a> {
    base: &'a [u8],
    /// By hash the first block of a chain: its number plus one, 0 where there is none.
    first: Vec<u32>,
    /// The next block of the same chain, likewise.
    next: Vec<u32>,
    shift: u32,
}

/// Equal bytes in base and target.
#[derive(Clone, Copy, Default)]
struct Match {
    from: usize,
    length: usize,
    /// How many of them lie before the position that was looked up.
    before: usize,
}

impl<'a> Index<'a> {
    /// `None` for a base without a whole block, or with more blocks than can be numbered.
    pub(super) fn of(base: &'a [u8]) -> Option<Self> {
        let blocks = base.len() / BLOCK;
        u32::try_from(blocks).ok()?;
        // At most half full, so that chains stay short.
        let size = (2 * blocks).checked_next_power_of_two().filter(|size| *size > 1)?;
        let shift = 64 - size.trailing_zeros();
        let mut index = Self { base, first: vec![0; size], next: vec![0; blocks], shift };
        let mut number = u32::try_from(blocks).ok()?;
        // Backwards, so that each chain begins with the block that stands first in the base.
        for (at, block) in base.chunks_exact(BLOCK).enumerate().rev() {
            let place = index.place(block);
            let chain = index.first[place];
            // Of a run of equal blocks only the first is kept, else the chain of a zeroed area holds nothing else.
            let runs_on = chain == number + 1 && base[at * BLOCK..].starts_with(&base[(at + 1) * BLOCK..][..BLOCK]);
            index.next[at] = if runs_on { index.next[at + 1] } else { chain };
            index.first[place] = number;
            number -= 1;
        }
        Some(index)
    }

    /// The delta that makes `target` from the base. `None` when it costs more than `limit`, which is measured in bytes of
    /// text that deflate to the same length.
    pub(super) fn delta(&self, target: &[u8], limit: usize) -> Option<Vec<u8>> {
        let mut delta = Vec::new();
        put_size(self.base.len(), &mut delta);
        put_size(target.len(), &mut delta);
        let (mut at, mut done, mut cost) = (0, 0, 0);
        while at + BLOCK <= target.len() {
            let found = self.longest(target, at, done);
            if found.length < SHORTEST_COPY {
                at += 1;
                // Most files that do not resemble the base are given up here, long before their end.
                if cost + (at - done) > limit {
                    return None;
                }
                continue;
            }
            let begin = at - found.before;
            cost += begin - done + COPY_COST;
            put_insertion(&target[done..begin], &mut delta);
            put_copy(found.from, found.length, &mut delta);
            at = begin + found.length;
            done = at;
        }
        put_insertion(&target[done..], &mut delta);
        (cost + target.len() - done <= limit).then_some(delta)
    }

    /// The longest match round the block of `target` at `at` that does not reach behind `done`.
    fn longest(&self, target: &[u8], at: usize, done: usize) -> Match {
        let mut best = Match::default();
        let mut number = self.first[self.place(&target[at..at + BLOCK])];
        for _ in 0..CANDIDATES {
            let Some(block) = number.checked_sub(1) else { break };
            let from = block as usize * BLOCK;
            let after = common(&self.base[from..], &target[at..]);
            if after >= BLOCK {
                // Blocks are found at multiples of 16 bytes only; a match usually begins before one.
                let before = common_before(&self.base[..from], &target[done..at]);
                if before + after > best.length {
                    best = Match { from: from - before, length: before + after, before };
                }
            }
            number = self.next[block as usize];
        }
        best
    }

    fn place(&self, block: &[u8]) -> usize {
        let half = |at: usize| block[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        // Factors without a pattern mix all bytes into the highest bits.
        let mixed =
            half(0).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ half(8).rotate_left(32).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        usize::try_from(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift).unwrap_or_default()
    }
}

/// How many bytes are equal from the beginning; compared eight at a time, since most of the time goes here.
fn common(one: &[u8], other: &[u8]) -> usize {
    let eights = one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0);
    let equal = 8 * eights.take_while(|(one, other)| one == other).count();
    let rest = one[equal..].iter().zip(&other[equal..]);
    equal + rest.take_while(|(one, other)| one == other).count()
}

/// How many bytes are equal before the end.
fn common_before(one: &[u8], other: &[u8]) -> usize {
    one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}

fn put_size(mut size: usize, out: &mut Vec<u8>) {
    while size > 0x7f {
        out.push(low_byte(size & 0x7f) | 0x80);
        size >>= 7;
    }
    out.push(low_byte(size & 0x7f));
}

fn low_byte(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

fn put_insertion(bytes: &[u8], out: &mut Vec<u8>) {
    for piece in bytes.chunks(LONGEST_INSERTION) {
        out.push(low_byte(piece.len()));
        out.extend_from_slice(piece);
    }
}

/// Copies are told by the bytes of place and length that are not 0, and by which these are.
fn put_copy(mut from: usize, mut length: usize, out: &mut Vec<u8>) {
    while length > 0 {
        let now = length.min(LONGEST_COPY);
        // The longest length is written as none.
        let size = if now == LONGEST_COPY { 0 } else { now };
        let place = out.len();
        out.push(0x80);
        let (from_bytes, size_bytes) = (from.to_le_bytes(), size.to_le_bytes());
        let bytes = from_bytes.iter().take(4).chain(size_bytes.iter().take(2));
        for (at, byte) in bytes.enumerate().filter(|(_, byte)| **byte > 0) {
            out[place] |= 1 << at;
            out.push(*byte);
        }
        from += now;
        length -= now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What git makes of a delta, step by step.
    fn apply(base: &[u8], delta: &[u8]) -> Vec<u8> {
        let mut bytes = delta.iter().copied();
        let mut size = || {
            let (mut size, mut shift) = (0, 0);
            loop {
                let byte = bytes.next().unwrap();
                size |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    return size;
                }
            }
        };
        assert_eq!(size(), base.len());
        let length = size();
        let mut out = Vec::new();
        while let Some(instruction) = bytes.next() {
            assert_ne!(instruction, 0);
            if instruction < 0x80 {
                out.extend(bytes.by_ref().take(instruction.into()));
                continue;
            }
            let mut word = |from: u32, to: u32| {
                let set = (from..to).filter(|at| instruction >> at & 1 == 1);
                set.fold(0, |word, at| word | usize::from(bytes.next().unwrap()) << (8 * (at - from)))
            };
            let (from, size) = (word(0, 4), word(4, 7));
            let size = if size == 0 { LONGEST_COPY } else { size };
            out.extend_from_slice(&base[from..from + size]);
        }
        assert_eq!(out.len(), length);
        out
    }

    #[test]
    fn a_change_costs_about_its_own_size() {
        let lines = (0..5000).map(|number| format!("line {number} of many\n"));
        let old: String = lines.clone().collect();
        let new: String = lines.filter(|line| !line.contains(" 77 ")).collect::<String>() + "and one more\n";
        let delta = between(old.as_bytes(), new.as_bytes()).unwrap();
        assert!(delta.len() < 60, "{}", delta.len());
        assert_eq!(apply(old.as_bytes(), &delta), new.as_bytes());
    }

    #[test]
    fn long_copies_and_far_places_are_told_whole() {
        let noise: Vec<u8> =
            (0..400_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
        let turned = [&noise[200_000..], &noise[..200_000]].concat();
        let delta = between(&noise, &turned).unwrap();
        assert!(delta.len() < 200, "{}", delta.len());
        assert!(apply(&noise, &delta) == turned);
    }

    #[test]
    fn what_has_nothing_in_common_is_no_delta() {
        assert_eq!(between(b"", b"something that is long enough to be worth a look at all"), None);
        assert_eq!(between(&[b'a'; 4000], &(0..=250).cycle().take(4000).collect::<Vec<u8>>()), None);
        assert_eq!(between(&[0; 4000], b""), None);
    }

    proptest! {
        #[test]
        fn git_makes_the_target_of_it(
            base in prop::collection::vec(0_u8..4, 0..2000),
            cuts in prop::collection::vec((0_usize..2000, 0_usize..2000), 0..20),
            own in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let part = |(from, to): &(usize, usize)| base.get(*from.min(to)..*from.max(to)).unwrap_or_default();
            let mut target: Vec<u8> = cuts.iter().flat_map(part).copied().collect();
            target.extend(own);
            if let Some(delta) = between(&base, &target) {
                prop_assert!(delta.len() < target.len() / 2);
                prop_assert!(apply(&base, &delta) == target);
            }
        }
    }
}
