//! Registers: ordered maps that are cheap to have by the ten thousand, and cheap to clone and change at any size.

use std::borrow::Borrow;
use std::fmt;

use imbl::OrdMap;

/// Up to so many entries lie in one piece of memory, which cloning copies.
const FEW_MAX: usize = 16;

/// An ordered map. Most realms have a handful of each thing, and a tree's first node takes room for sixteen: up to
/// [`FEW_MAX`] entries it is a sorted list of just its entries, beyond that a tree that shares its structure with its
/// clones.
#[derive(Clone)]
pub struct Register<K, V>(Held<K, V>);

#[derive(Clone)]
enum Held<K, V> {
    Few(Vec<(K, V)>),
    Many(OrdMap<K, V>),
}

impl<K, V> Register<K, V> {
    /// A register without entries.
    pub const fn new() -> Self {
        Self(Held::Few(Vec::new()))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Held::Few(few) => few.len(),
            Held::Many(many) => many.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Ord + Clone, V: Clone> Register<K, V> {
    /// The value under a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match &self.0 {
            Held::Few(few) => few.get(place(few, key).ok()?).map(|(_, value)| value),
            Held::Many(many) => many.get(key),
        }
    }

    /// The value under a key, to change it.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        match &mut self.0 {
            Held::Few(few) => {
                let place = place(few, key).ok()?;
                few.get_mut(place).map(|(_, value)| value)
            }
            Held::Many(many) => many.get_mut(key),
        }
    }

    /// Whether there is an entry under a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// Puts a value under a key, and gives back the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let few = match &mut self.0 {
            Held::Many(many) => return many.insert(key, value),
            Held::Few(few) => few,
        };
        match place(few, &key) {
            Ok(place) => {
                let (_, present) = few.get_mut(place)?;
                Some(std::mem::replace(present, value))
            }
            Err(_) if few.len() >= FEW_MAX => {
                let mut many: OrdMap<K, V> = std::mem::take(few).into_iter().collect();
                many.insert(key, value);
                self.0 = Held::Many(many);
                None
            }
            Err(place) => {
                few.reserve_exact(1);
                few.insert(place, (key, value));
                None
            }
        }
    }

    /// Takes out what is under a key.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        match &mut self.0 {
            Held::Few(few) => {
                let place = place(few, key).ok()?;
                let (_, value) = few.remove(place);
                few.shrink_to_fit();
                Some(value)
            }
            Held::Many(many) => {
                let value = many.remove(key);
                // Well below the bound, so that nobody who goes to and fro pays for it each time.
                if many.len() <= FEW_MAX / 2 {
                    let few = std::mem::take(many).into_iter().collect();
                    self.0 = Held::Few(few);
                }
                value
            }
        }
    }

    /// The entries, in order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let (few, many) = match &self.0 {
            Held::Few(few) => (Some(few), None),
            Held::Many(many) => (None, Some(many)),
        };
        let few = few.into_iter().flatten().map(|(key, value)| (key, value));
        few.chain(many.into_iter().flatten())
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The values, in order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

fn place<K: Borrow<Q>, V, Q: Ord + ?Sized>(few: &[(K, V)], key: &Q) -> Result<usize, usize> {
    few.binary_search_by(|(present, _)| present.borrow().cmp(key))
}

impl<K, V> Default for Register<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Clone + fmt::Debug, V: Clone + fmt::Debug> fmt::Debug for Register<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_sorted_map_at_every_size_and_its_clones_stay_what_they_were(
            steps in vec((0_u8..40, any::<bool>(), any::<u8>()), 0..300),
        ) {
            let mut register = Register::new();
            let mut map = BTreeMap::new();
            for (key, insert, value) in steps {
                let (before, was) = (register.clone(), map.clone());
                if insert {
                    prop_assert_eq!(register.insert(key, value), map.insert(key, value));
                } else if value % 2 == 0 {
                    prop_assert_eq!(register.remove(&key), map.remove(&key));
                } else {
                    prop_assert_eq!(register.get_mut(&key), map.get_mut(&key));
                    if let (Some(ours), Some(theirs)) = (register.get_mut(&key), map.get_mut(&key)) {
                        (*ours, *theirs) = (value, value);
                    }
                }
                prop_assert!(register.iter().eq(map.iter()) && register.iter().rev().eq(map.iter().rev()));
                prop_assert!(register.keys().eq(map.keys()) && register.values().eq(map.values()));
                prop_assert_eq!(register.get(&key), map.get(&key));
                prop_assert_eq!(register.contains_key(&key), map.contains_key(&key));
                prop_assert_eq!((register.len(), register.is_empty()), (map.len(), map.is_empty()));
                prop_assert!(before.iter().eq(was.iter()));
            }
        }
    }

    #[test]
    fn few_entries_take_the_room_of_their_own_and_many_share_theirs() {
        let mut register: Register<u8, u8> = Register::new();
        for key in 0..u8::try_from(FEW_MAX).unwrap() {
            register.insert(key, key);
            let Held::Few(few) = &register.0 else {
                panic!("there are few");
            };
            assert_eq!(few.capacity(), few.len());
        }
        register.insert(255, 0);
        assert!(matches!(register.0, Held::Many(_)));
    }
}
