//! One's own mail over REST.

use super::{RestApi, Transport, Verb};
use crate::api::{Answer, MailApi, MailInput, MailView};

impl<T: Transport> MailApi for RestApi<T> {
    fn my_mail(&self) -> Answer<'_, MailView> {
        self.get("/me/mail")
    }
    fn update_my_mail(&self, input: MailInput) -> Answer<'_, MailView> {
        self.send(Verb::Put, "/me/mail", &input)
    }
    fn send_test_mail(&self) -> Answer<'_, ()> {
        self.send(Verb::Post, "/me/mail/test", &())
    }
}
