//! Which of the objects seen so far a new one resembles most.
//!
//! Of each object some positions are sampled that depend on the content alone, so that equal passages are sampled alike
//! wherever they stand. Objects with many samples in common have many passages in common.

/// One position in 2^6 is sampled, on average.
const SAMPLED_BITS: u32 = 6;

/// How many objects are remembered for each sample, the newest ones.
const REMEMBERED: usize = 4;

/// The part of an object's samples that another must share to be worth a delta: one in so many.
const LEAST_SHARE: usize = 4;

/// Objects with fewer samples in common do not resemble each other.
const LEAST_SHARED: u32 = 2;

/// What the objects of one piece of work have in common.
pub(super) struct SimilarityIndex {
    slots: Vec<SampleSlot>,
    shift: u32,
    /// How many samples of the present object each earlier one shares.
    shared: Vec<u32>,
    samples: Vec<u32>,
}

/// A sample, and the objects that have it: their numbers plus one, the newest first.
#[derive(Clone, Copy, Default)]
struct SampleSlot {
    sample: u32,
    objects: [u32; REMEMBERED],
}

impl SimilarityIndex {
    /// For `objects` objects of `bytes` bytes together.
    pub(super) fn new(objects: usize, bytes: usize) -> Self {
        let size = ((2 * bytes) >> SAMPLED_BITS).max(16).next_power_of_two();
        Self {
            slots: vec![SampleSlot::default(); size],
            shift: u32::BITS - size.trailing_zeros().min(u32::BITS - 1),
            shared: vec![0; objects],
            samples: Vec::new(),
        }
    }

    /// The number of the earlier object that `content` resembles most, of those that `allowed` names. Remembers `content`
    /// as `number`; numbers grow.
    pub(super) fn nearest(&mut self, number: u32, content: &[u8], allowed: impl Fn(u32) -> bool) -> Option<u32> {
        self.sample(content);
        let mut seen = Vec::new();
        for sample in &self.samples {
            // A factor without a pattern spreads the samples, whose highest bits are all 0.
            let slot = &mut self.slots[(sample.wrapping_mul(0x9e37_79b1) >> self.shift) as usize];
            if slot.sample != *sample {
                *slot = SampleSlot { sample: *sample, objects: [0; REMEMBERED] };
            }
            for object in slot.objects.iter().filter_map(|object| object.checked_sub(1)) {
                let shared = &mut self.shared[object as usize];
                if *shared == 0 {
                    seen.push(object);
                }
                *shared += 1;
            }
            // The newest first: neighbours in the pack's order resemble each other most.
            slot.objects.copy_within(..REMEMBERED - 1, 1);
            slot.objects[0] = number + 1;
        }
        let least = LEAST_SHARED.max(u32::try_from(self.samples.len() / LEAST_SHARE).unwrap_or(u32::MAX));
        let shared = |object: &u32| self.shared[*object as usize];
        let fit = seen.iter().copied().filter(|object| shared(object) >= least && allowed(*object));
        // Of equals the newest, so that the choice depends on the contents alone.
        let nearest = fit.max_by_key(|object| (shared(object), *object));
        // One by one: the table has a place for each object of the run, of which few were touched.
        for object in seen {
            self.shared[object as usize] = 0;
        }
        nearest
    }

    /// The samples of `content`: values of a rolling hash over 32 bytes (a "gear" hash) whose highest bits are 0.
    ///
    /// Source: <https://www.usenix.org/conference/atc16/technical-sessions/presentation/xia>
    fn sample(&mut self, content: &[u8]) {
        self.samples.clear();
        let mut hash = 0_u32;
        for byte in content {
            hash = (hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
            if hash >> (u32::BITS - SAMPLED_BITS) == 0 {
                self.samples.push(hash);
            }
        }
        self.samples.sort_unstable();
        // A repeated passage counts once, else two files with a zeroed area would look alike.
        self.samples.dedup();
    }
}

/// Numbers without a pattern, one for each byte.
const GEAR: [u32; 256] = {
    let mut gear = [0; 256];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut at = 0;
    while at < gear.len() {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        gear[at] = (state >> 32) as u32;
        at += 1;
    }
    gear
};

#[cfg(test)]
mod tests {
    use super::*;

    fn page(template: u32, own: u32) -> Vec<u8> {
        let words = |seed: u32, count: u32| {
            (0..count).map(move |at| format!("word{} ", (seed * 1000 + at).wrapping_mul(2_654_435_761) >> 8))
        };
        words(template, 100).chain(words(1000 + own, 100)).collect::<String>().into_bytes()
    }

    #[test]
    fn the_nearest_is_the_one_that_shares_most() {
        let pages = [page(1, 1), page(2, 2), page(1, 3), page(2, 2).split_off(20), page(9, 9)];
        let mut likeness = SimilarityIndex::new(pages.len(), pages.iter().map(Vec::len).sum());
        let mut found = Vec::new();
        for (number, page) in (0..).zip(&pages) {
            found.push(likeness.nearest(number, page, |_| true));
        }
        assert_eq!(found, [None, None, Some(0), Some(1), None]);
    }

    #[test]
    fn one_that_is_not_allowed_gives_way_to_the_next() {
        let pages = [page(1, 1), page(1, 2), page(1, 2).split_off(1)];
        let mut likeness = SimilarityIndex::new(pages.len(), pages.iter().map(Vec::len).sum());
        assert_eq!(likeness.nearest(0, &pages[0], |_| true), None);
        assert_eq!(likeness.nearest(1, &pages[1], |_| true), Some(0));
        assert_eq!(likeness.nearest(2, &pages[2], |object| object != 1), Some(0));
    }

    #[test]
    fn a_run_of_one_byte_is_one_sample_at_most() {
        let mut likeness = SimilarityIndex::new(2, 200_000);
        for byte in 0..=255 {
            likeness.sample(&vec![byte; 100_000]);
            assert!(likeness.samples.len() <= 32, "of {byte}: {}", likeness.samples.len());
        }
    }
}
