//! What letters say. Subjects are ours alone; what users wrote stands in the text, if anywhere.

use chrono::TimeDelta;

use crate::links::Purpose;
use crate::notices::Notice;

/// A letter that is to be written.
pub(crate) struct Draft {
    /// What kind of letter it is, for whoever looks at what is not sent.
    pub(crate) kind: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) text: String,
    /// So long it is of use; nobody tries to send it after that.
    pub(crate) life: TimeDelta,
}

const NOT_YOU: &str = "If you did not ask for this, you need not do anything.";

pub(crate) fn reset_password(link: &str) -> Draft {
    let text = format!(
        "Somebody asked for a new password for your account at Larder.\n\nTo choose one, open this link within an hour. It works once:\n\n{link}\n\n\
         {NOT_YOU} Your password stays as it is.\n"
    );
    Draft { kind: Purpose::ResetPassword.name(), subject: "A new password for Larder", text, life: Purpose::ResetPassword.life() }
}

pub(crate) fn register(link: &str) -> Draft {
    let text = format!(
        "Somebody asked for an account at Larder with this address.\n\nTo have it made, open this link within a day. It works once:\n\n{link}\n\n\
         {NOT_YOU} Without the link there is no account.\n"
    );
    Draft { kind: Purpose::Register.name(), subject: "Your account at Larder", text, life: Purpose::Register.life() }
}

/// To whoever has an account that is a member of nothing any more.
pub(crate) fn register_again(link: &str) -> Draft {
    let text = format!(
        "Somebody asked for an account at Larder with this address. You have one already, which is a member of nothing any more.\n\n\
         To begin anew with it, open this link within a day. It works once, and asks for the password of your account:\n\n{link}\n\n\
         {NOT_YOU} Without the link nothing changes.\n"
    );
    Draft { text, ..register(link) }
}

/// To whoever has an account and asks for one.
pub(crate) fn registered_before(link: &str) -> Draft {
    let text = format!(
        "Somebody asked for an account at Larder with this address. You have one already: log in with it.\n\n\
         If you have forgotten your password, open this link within an hour to choose another. It works once:\n\n{link}\n\n{NOT_YOU}\n"
    );
    Draft { kind: "registered_before", subject: "Your account at Larder", text, life: Purpose::ResetPassword.life() }
}

/// To the new address.
pub(crate) fn change_email(link: &str) -> Draft {
    let text = format!(
        "Somebody wants to use this address for their account at Larder.\n\nIf that is you, open this link within an hour. It works once:\n\n{link}\n\n\
         {NOT_YOU} Without the link nothing changes.\n"
    );
    Draft { kind: Purpose::ChangeEmail.name(), subject: "Confirm your address for Larder", text, life: Purpose::ChangeEmail.life() }
}

/// To the address that an account has.
pub(crate) fn verify_email(link: &str) -> Draft {
    let text = format!("To show that mail from Larder reaches you at this address, open this link within a day. It works once:\n\n{link}\n\n{NOT_YOU}\n");
    Draft { kind: Purpose::VerifyEmail.name(), subject: "Confirm your address for Larder", text, life: Purpose::VerifyEmail.life() }
}

/// To the address that an account has, when another one is asked for.
pub(crate) fn email_change_asked() -> Draft {
    let text = "Somebody who is logged in as you asked for another e-mail address for your account at Larder. The address changes when the new one is \
                confirmed.\n\nIf that was not you: log in, change your password, and the change is void.\n";
    Draft { kind: "email_change_asked", subject: "Another address for your account at Larder", text: text.to_owned(), life: TimeDelta::days(3) }
}

pub(crate) fn invite(tenant_name: &str, link: &str, life: TimeDelta) -> Draft {
    // On one line: a name writes no letter of its own.
    let tenant_name = tenant_name.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = format!(
        "You are invited to work in \"{tenant_name}\" at Larder.\n\nTo accept, open this link within seven days. It works once:\n\n{link}\n\n\
         If you do not know who invites you, you need not do anything.\n"
    );
    Draft { kind: "invite", subject: "You are invited to Larder", text, life }
}

pub(crate) fn notice(notice: Notice) -> Draft {
    let (subject, happened) = notice.told();
    let text = format!("{happened}\n\nIf that was not you: change your password, and look at your sessions, API keys and members.\n");
    Draft { kind: notice.name(), subject, text, life: TimeDelta::days(3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stands_alone_on_its_line_and_no_line_is_too_long_for_mail() {
        let link = "https://stock.example.com/reset#larl_0123456789012345678901234567890A";
        for draft in [
            reset_password(link),
            change_email(link),
            verify_email(link),
            register(link),
            register_again(link),
            registered_before(link),
            invite("Trattoria Luna", link, TimeDelta::days(7)),
        ] {
            assert!(draft.text.lines().any(|line| line == link), "{}", draft.text);
            assert!(draft.text.lines().all(|line| line.len() < 998) && draft.kind.len() <= 32, "{}", draft.kind);
        }
        for notice in Notice::ALL {
            let draft = super::notice(notice);
            assert!(draft.kind.len() <= 32 && !draft.subject.is_empty() && draft.subject.is_ascii(), "{}", draft.kind);
        }
    }
}
