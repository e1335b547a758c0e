//! Words from which the people of the demo are made.

/// Fifty of these by forty of [`LAST_NAMES`] are the two thousand people, each pair once.
pub(super) const FIRST_NAMES: [&str; 50] = [
    "Ada", "Amara", "Anil", "Astrid", "Bea", "Boris", "Carmen", "Chen", "Dalia", "Diego", "Edith", "Elif", "Emeka",
    "Fatima", "Felix", "Freya", "Gita", "Hana", "Hugo", "Ines", "Ivan", "Jonas", "Juno", "Kaito", "Kira", "Lars",
    "Leila", "Linh", "Luca", "Maya", "Mei", "Milo", "Nadia", "Noor", "Olga", "Omar", "Paula", "Pedro", "Priya",
    "Quinn", "Rosa", "Samir", "Sofia", "Tariq", "Tomas", "Uma", "Viktor", "Wanda", "Yara", "Zoe",
];

/// See [`FIRST_NAMES`].
pub(super) const LAST_NAMES: [&str; 40] = [
    "Abe",
    "Almeida",
    "Andersson",
    "Baker",
    "Bauer",
    "Castillo",
    "Costa",
    "Diallo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haddad",
    "Hansen",
    "Ivanova",
    "Jensen",
    "Kaya",
    "Kim",
    "Kowalski",
    "Lopez",
    "Marino",
    "Mensah",
    "Mori",
    "Nakamura",
    "Ndiaye",
    "Novak",
    "Okafor",
    "Olsen",
    "Park",
    "Patel",
    "Petrov",
    "Rossi",
    "Santos",
    "Schmidt",
    "Silva",
    "Singh",
    "Tanaka",
    "Weber",
    "Yilmaz",
    "Zhang",
];

/// What a circle of people has in common.
#[derive(Debug)]
pub(super) struct Circle {
    /// What they say of themselves.
    pub(super) description: &'static str,
    /// Without the `#`.
    pub(super) hashtags: [&'static str; 3],
    /// What they tell about.
    pub(super) subjects: [&'static str; 6],
}

/// The circles that the people of the demo belong to.
pub(super) const CIRCLES: [Circle; 10] = [
    Circle {
        description: "Bread, slowly.",
        hashtags: ["sourdough", "baking", "breakfast"],
        subjects: ["the new starter", "my rye loaf", "this oven", "a focaccia", "the crumb", "flour from the mill"],
    },
    Circle {
        description: "Usually on a bike.",
        hashtags: ["cycling", "commute", "gravel"],
        subjects: ["the river path", "my old frame", "the headwind", "the coast road", "a flat tyre", "the night ride"],
    },
    Circle {
        description: "Reads more than is good for anybody.",
        hashtags: ["books", "reading", "library"],
        subjects: [
            "the second chapter",
            "this translation",
            "the ending",
            "a first edition",
            "the book club",
            "the map",
        ],
    },
    Circle {
        description: "Graphs, mostly sparse.",
        hashtags: ["rustlang", "graphs", "databases"],
        subjects: ["the borrow checker", "my merge", "this benchmark", "the compaction", "a bitmap", "the release"],
    },
    Circle {
        description: "Looking up.",
        hashtags: ["astronomy", "nightsky", "telescope"],
        subjects: ["Saturn", "the new moon", "a meteor", "the eyepiece", "the dark site", "the comet"],
    },
    Circle {
        description: "Plants, and what eats them.",
        hashtags: ["gardening", "tomatoes", "compost"],
        subjects: ["the seedlings", "my compost", "a slug", "the greenhouse", "the first tomato", "the old apple tree"],
    },
    Circle {
        description: "Plays bass in two bands.",
        hashtags: ["music", "vinyl", "livemusic"],
        subjects: ["the encore", "this record", "the rehearsal", "a B-side", "the new strings", "the small venue"],
    },
    Circle {
        description: "Goes where the birds are.",
        hashtags: ["birding", "wetlands", "migration"],
        subjects: ["a kingfisher", "the hide", "the estuary", "a late swallow", "the owl box", "two herons"],
    },
    Circle {
        description: "Coffee first.",
        hashtags: ["coffee", "espresso", "roasting"],
        subjects: ["the grinder", "this roast", "a flat white", "the corner place", "the second cup", "my burr set"],
    },
    Circle {
        description: "Maps, trains, and maps of trains.",
        hashtags: ["trains", "maps", "nightbus"],
        subjects: [
            "the night train",
            "the timetable",
            "a sleeper",
            "the transfer",
            "the dining car",
            "the branch line",
        ],
    },
];

/// What is said of a subject; `{}` is where it goes.
pub(super) const SENTENCES: [&str; 12] = [
    "{} is better than I remembered",
    "Nobody told me about {}",
    "Spent the whole morning on {}",
    "I could talk about {} for hours",
    "Not sure that {} was worth it. Doing it again tomorrow",
    "Today: {}, and nothing else",
    "{} again. No regrets",
    "Small victory: {}",
    "Anyone else up because of {}?",
    "Everything I know about {} turns out to be wrong",
    "If you only do one thing this week: {}",
    "Three years on, and {} still surprises me",
];

/// What is answered.
pub(super) const ANSWERS: [&str; 10] = [
    "Same here",
    "Show us!",
    "I would never have guessed",
    "That is the best news of the week",
    "Are you sure? Mine is quite the opposite",
    "Saving this for later",
    "You have convinced me",
    "Tell me more on Saturday",
    "Finally somebody says it",
    "How long did it take you?",
];
