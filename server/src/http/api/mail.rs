//! One's own mail.

use frontend::api::{MailApi, MailInput, MailView};

operations! { "notifications",
    get "/api/v1/me/mail" my_mail() -> MailView;
    put "/api/v1/me/mail" update_my_mail(body MailInput) -> MailView;
    post "/api/v1/me/mail/test" send_test_mail() -> ();
}
