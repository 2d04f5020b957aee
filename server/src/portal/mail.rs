//! One's own mail.

use frontend::api::{Answer, MailApi, MailInput, MailView};

use super::Portal;

impl MailApi for Portal {
    delegate! {
        fn my_mail() -> MailView;
        fn update_my_mail(input: MailInput) -> MailView;
        fn send_test_mail() -> ();
    }
}
