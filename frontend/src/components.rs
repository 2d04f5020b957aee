//! The parts that pages are drawn with. They load nothing and know no page; their styles lie in `assets/styles`, one
//! file per block. Where an element of the platform does the job (`<dialog>`, popover, `<details>`), it is used.

mod button;
mod code;
mod dialog;
mod field;
mod icon;
mod ladder;
mod mark;
mod page;
mod param;
mod part;
mod prose;
mod rate;
mod rollout;
mod search;
mod stamp;
mod state;
mod toast;
mod topic;
mod usage;

pub(crate) use button::Ready;
pub use button::{Button, Right, Submit, Tone, use_ready};
pub use code::{Code, Secret};
pub use dialog::{Confirm, Dialog};
pub use field::{Check, Choice, Field, Select, TextArea, Wrong, either};
pub use icon::{Glyph, Icon};
pub use ladder::ConnectionLadder;
pub use mark::{EvidenceBadge, EvidenceRow, Life, Run, RunState, Tags, Track, TrackState};
pub use page::{Main, Part, Table};
pub use param::{ListFoot, ParamCheck, ParamChip, ParamSelect, with_param};
pub(crate) use part::all_stale;
pub use part::{PartChip, PartTable};
pub use prose::Sentence;
pub use rate::{Rate, Spark};
pub use rollout::{RolloutChip, RolloutList};
pub use search::{Search, use_param, use_set_params};
pub use stamp::{Age, LastKnown, Stamp};
pub use state::{Banner, Empty, Skeleton};
pub use toast::{Toaster, Toasts};
pub use topic::Topic;
pub use usage::UsageTable;
