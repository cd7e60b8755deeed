//! Items and reviews in memory, behind one lock that is never held while waiting.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Item, NewItem, NewReview, Review};

#[derive(Default)]
pub(crate) struct Store(Mutex<Data>);

#[derive(Default)]
struct Data {
    last_id: u32,
    items: BTreeMap<u32, Item>,
    reviews: Vec<Review>,
}

impl Store {
    fn data(&self) -> MutexGuard<'_, Data> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn items(&self, wanted: impl Fn(&Item) -> bool) -> Vec<Item> {
        self.data().items.values().filter(|item| wanted(item)).cloned().collect()
    }

    pub(crate) fn item(&self, id: u32) -> Option<Item> {
        self.data().items.get(&id).cloned()
    }

    pub(crate) fn add_item(&self, item: NewItem) -> Item {
        let mut data = self.data();
        let id = data.next_id();
        let NewItem { name, price, tags } = item;
        let item = Item { id, name, price, tags };
        data.items.insert(id, item.clone());
        item
    }

    pub(crate) fn update_item(&self, id: u32, new: NewItem) -> Option<Item> {
        let mut data = self.data();
        let item = data.items.get_mut(&id)?;
        let NewItem { name, price, tags } = new;
        *item = Item { id, name, price, tags };
        Some(item.clone())
    }

    pub(crate) fn remove_item(&self, id: u32) -> bool {
        let mut data = self.data();
        data.reviews.retain(|review| review.item_id != id);
        data.items.remove(&id).is_some()
    }

    pub(crate) fn reviews(&self, item_id: u32, min_stars: u8) -> Vec<Review> {
        let wanted = |review: &&Review| review.item_id == item_id && review.stars >= min_stars;
        self.data().reviews.iter().filter(wanted).cloned().collect()
    }

    pub(crate) fn add_review(&self, item_id: u32, review: NewReview) -> Option<Review> {
        let mut data = self.data();
        data.items.get(&item_id)?;
        let id = data.next_id();
        let review = Review { id, item_id, text: review.text, stars: review.stars };
        data.reviews.push(review.clone());
        Some(review)
    }
}

impl Data {
    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }
}
