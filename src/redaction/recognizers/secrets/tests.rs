//! Vectors of every row and of every way a secret is said. Tokens are put together while the tests run, so that no scanner of
//! sources takes them for real.

use super::super::testing::found;
use super::checksum::{base62, crc32};
use super::families::{Body, Check, FAMILIES, Family};
use super::vendors::{Shape, VENDORS};
use crate::redaction::Class;

/// Returns `length` characters of an alphabet, with digits, capitals and small letters where it has them.
fn made(body: Body, length: usize) -> String {
    let signs = match body {
        Body::Digits => "7301946582",
        Body::Hex => "9f3b07c1e5a82d64",
        Body::Capital => "Q7X2M9K4T8W3Z5R6",
        Body::Base32 => "Q7X2M3K4T5W6Z5R2",
        Body::Bech32 => "Q7X2M9K4T8W3Z5R6",
        _ => "aB3xK9mQ7rT2wZ5pL8nC4vD6",
    };
    signs.chars().cycle().take(length).collect()
}

/// Returns a token of the family.
fn token(family: &Family) -> String {
    let before = family.before.map(|(body, least, _)| made(body, least)).unwrap_or_default();
    let before = if family.rule == "azure_client_secret" { "a1b8".to_owned() } else { before };
    let body = match family.check {
        Check::Jwt => format!("hbGciOiJIUzI1NiJ9.{}.{}", made(Body::Alnum, 24), made(Body::Alnum, 30)),
        Check::Parts(parts) => {
            let each = (family.least + 1).saturating_sub(parts) / parts;
            let mut body = vec![made(Body::Alnum, each.max(8)); parts].join(".");
            while body.len() < family.least {
                body.push('x');
            }
            body
        }
        _ => made(family.body, family.least),
    };
    format!("{before}{}{body}", family.prefix)
}

fn secret(family: &Family, token: &str) -> String {
    if family.field { token[family.prefix.len()..].to_owned() } else { token.to_owned() }
}

#[test]
fn every_family_finds_a_token_of_its_form() {
    assert!(FAMILIES.len() >= 200, "{}", FAMILIES.len());
    for family in FAMILIES {
        let token = token(family);
        let text = format!("see {token} now");
        assert_eq!(found(Class::Secret, &text), [secret(family, &token)], "{} {}", family.rule, family.prefix);
    }
}

#[test]
fn no_family_takes_a_token_that_is_too_short_or_part_of_a_word() {
    for family in FAMILIES {
        let token = token(family);
        let word = family.prefix.as_bytes()[0].is_ascii_alphanumeric() && family.before.is_none();
        if word {
            let text = format!("see x{token} now");
            let whole = found(Class::Secret, &text).into_iter().any(|value| value.contains(family.prefix));
            assert!(!whole, "{} {}", family.rule, family.prefix);
        }
        // What is left of a web token without its last part is one still.
        if family.least > 1 && !family.field && family.check != Check::Jwt {
            let short = &token[..token.len() - family.least + 1];
            assert_eq!(found(Class::Secret, &format!("see {short} now")), [""; 0], "{} {}", family.rule, family.prefix);
        }
    }
}

#[test]
fn a_checksum_that_holds_is_told() {
    let random = made(Body::Alnum, 30);
    let sum = String::from_utf8(base62(crc32(random.as_bytes())).to_vec()).unwrap();
    let engine = crate::redaction::Engine::new(crate::redaction::Policy::default()).unwrap();
    let verdict = |token: String| engine.explain(&token)[0].verdict;
    assert_eq!(verdict(["gh", "p_", &random, &sum].concat()), "checksum holds");
    assert_eq!(verdict(["gh", "p_", &random, "000000"].concat()), "form holds");
}

#[test]
fn every_vendor_finds_its_keys_beside_its_name_only() {
    for (name, shapes) in VENDORS {
        for shape in *shapes {
            let key = match shape {
                Shape::Uuid => "3f2a9c1e-77b0-4d5e-9a61-0c8de41f2b73".to_owned(),
                Shape::Run(body, least, _) => made(*body, *least),
            };
            let (assigned, told) = (format!("{name}_api_key={key}"), format!("my {name} token is {key}"));
            assert_eq!(found(Class::Secret, &assigned), [key.as_str()], "{assigned}");
            assert_eq!(found(Class::Secret, &told), [key.as_str()], "{told}");
            assert_eq!(found(Class::Secret, &format!("{name} release {key}x of today")), [""; 0], "{name}");
        }
    }
}

/// Texts with the secret between `⟦` and `⟧`.
#[rustfmt::skip]
const SAID: &[&str] = &[
    "my password is ⟦hunter2⟧", "Password: ⟦Tr0ub4dor&3!⟧", "password=⟦abc123def⟧", "--password ⟦hunter2⟧ --force",
    "user=bob;Password=⟦s3cr3t!⟧;Encrypt=true", "Server=db;User Id=app;Pwd=⟦p4ssW0rd⟧;", "pw: ⟦hunter2⟧",
    "the wifi password is ⟦BlueHorse77⟧", "temporary password: ⟦Welcome2024!⟧", "⟦hunter22⟧ is my password",
    "passcode ⟦889Zt1⟧", "Mein Passwort lautet ⟦Sommer2024⟧", "Passwort: ⟦geheim⟧", "das Kennwort ist ⟦Winter_99⟧",
    "mon mot de passe est ⟦Soleil75!⟧", "mot de passe : ⟦azerty12⟧", "mi contraseña es ⟦perro2020⟧", "contraseña: ⟦gatito⟧",
    "la clave es ⟦abc12345⟧", "minha senha é ⟦gato1234⟧", "senha: ⟦segredo9⟧", "la mia parola d'ordine è ⟦Roma2020⟧",
    "mijn wachtwoord is ⟦fiets123⟧", "mitt lösenord är ⟦sommar12⟧", "moje hasło to ⟦kotek123⟧", "hasło: ⟦Pies_77⟧",
    "şifrem ⟦ankara06⟧", "şifre: ⟦istanbul⟧", "adgangskode: ⟦hygge123⟧", "salasana on ⟦kesa2024⟧", "heslo je ⟦praha123⟧",
    "parola mea este ⟦mere1234⟧", "мой пароль ⟦qwerty12⟧", "Пароль: ⟦Зима2024⟧", "пароль - ⟦kotik77⟧",
    "密码是⟦abc12345⟧", "密码:⟦hunter2⟧", "我的密碼是 ⟦xyz98765⟧", "パスワードは⟦sakura99⟧です", "비밀번호는 ⟦korea2024⟧",
    "मेरा पासवर्ड ⟦delhi123⟧ है", "كلمة المرور هي ⟦nile2024⟧", "κωδικός: ⟦athina21⟧", "mật khẩu: ⟦hanoi123⟧",
    "my pin is ⟦4711⟧", "PIN ⟦4711⟧", "pin: ⟦4 7 1 1⟧", "⟦4711⟧ is my pin", "the pin for my card is ⟦0420⟧", "Meine PIN lautet ⟦4711⟧",
    "mon code pin est ⟦1984⟧", "mi pin es ⟦2580⟧", "il mio pin è ⟦1357⟧", "mijn pincode is ⟦8642⟧", "мой пин ⟦4711⟧", "пин-код: ⟦9021⟧",
    "暗証番号は⟦4711⟧です", "मेरा पिन ⟦4711⟧ है", "الرقم السري هو ⟦4711⟧", "cvv ⟦123⟧", "CVC: ⟦1234⟧", "the security code on the back is ⟦123⟧",
    "Prüfnummer ⟦321⟧", "code de sécurité : ⟦456⟧", "código de seguridad ⟦789⟧", "código de segurança é ⟦741⟧", "codice di sicurezza: ⟦852⟧",
    "код безопасности ⟦963⟧", "セキュリティコードは⟦159⟧", "安全码⟦357⟧", "güvenlik kodu ⟦246⟧",
    "your verification code is ⟦482911⟧", "⟦482911⟧ is your verification code", "⟦482911⟧ is your Acme login code", "OTP ⟦482 911⟧",
    "Use ⟦482911⟧ as your sign-in code", "verification code: ⟦G-482913⟧", "the code is ⟦482911⟧", "code: ⟦4829⟧", "I got the code ⟦482911⟧",
    "the code is ⟦4 8 2 9 1 1⟧", "my code is ⟦482911⟧, is it right?", "2fa code ⟦771020⟧", "TAN ⟦482911⟧", "backup code ⟦48291177⟧",
    "Ihr Bestätigungscode lautet ⟦482911⟧", "votre code de vérification est ⟦482911⟧", "tu código de verificación es ⟦482911⟧",
    "seu código de verificação é ⟦482911⟧", "il codice di verifica è ⟦482911⟧", "uw verificatiecode is ⟦482911⟧",
    "din verifieringskod är ⟦482911⟧", "kod weryfikacyjny: ⟦482911⟧", "doğrulama kodu: ⟦482911⟧", "код подтверждения: ⟦482911⟧",
    "Код: ⟦482911⟧", "код ⟦482911⟧", "验证码⟦482911⟧", "您的验证码是⟦482911⟧", "認証コードは⟦482911⟧です", "確認コード:⟦482911⟧", "인증번호 ⟦482911⟧",
    "인증번호는 ⟦482911⟧입니다", "ओटीपी ⟦482911⟧ है", "رمز التحقق: ⟦482911⟧", "รหัสยืนยัน ⟦482911⟧",
    "api_key=⟦9f8e7d6c5b4a3210⟧", "Authorization: Bearer ⟦9f8e7d6c5b4a3210aa⟧", "Authorization: Basic ⟦dXNlcjpwYXNzd29yZDEy⟧",
    "X-Api-Key: ⟦Zx81kQm20Pq9vB7n⟧", "client_secret: ⟦Qk29mZx81vB7nLp4⟧", "aws_secret_access_key = ⟦wJalr7XUtnF9EMIK7MDENGbPxRfiCYzzKEYz1234⟧",
    "auth token is ⟦Qk29mZx81vB7nLp4T⟧", "signing_secret=⟦8f742231b10e8888abcd99ef⟧", "key: ⟦Qk29mZx81vB7nLp4Ty6w⟧",
    "curl -u ⟦admin:S3cret!⟧ https://example.org", "curl -X POST --user '⟦bob:hunter22⟧' example.org",
    "AccountName=x;AccountKey=⟦Zx81kQm20Pq9vB7nZx81kQm20Pq9vB7n==⟧;EndpointSuffix=y",
    "https://x.blob.example/c?sv=2020&sig=⟦Zx81kQm20Pq9vB7nZx81kQm20Pq9vB7n%3D⟧",
    "passphrase: ⟦correct horse battery staple⟧", "my seed phrase is ⟦abandon ability able about above absent⟧",
];

#[test]
fn what_is_said_to_be_a_secret_is_found() {
    assert!(SAID.len() >= 120, "{}", SAID.len());
    let missed: Vec<_> = SAID
        .iter()
        .filter_map(|marked| {
            let value = marked.split(['⟦', '⟧']).nth(1)?;
            let text = marked.replace(['⟦', '⟧'], "");
            let found: Vec<String> = found(Class::Secret, &text).into_iter().map(str::to_owned).collect();
            (found != [value]).then_some((text, found))
        })
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

/// Talk that holds no secret.
#[rustfmt::skip]
const TALK: &[&str] = &[
    "the password must have 8 characters", "I forgot my pin", "reset my password please", "pin it on the map", "my passport",
    "token of appreciation", "secret recipe", "code of conduct", "the code is not working", "my password is not working",
    "password is required", "password: required", "is the password case sensitive?", "my password is 8 characters long",
    "the password is between 8 and 20 characters", "the password expires in 90 days", "my password is expiring",
    "your password was changed on 2024-05-01", "passwords are stored hashed", "the password is the same as before",
    "I never got the verification code", "the code is 404", "error code: 5003", "status code is 200404", "zip code is 90210",
    "my zip code: 94110", "area code 415000", "postal code 110001", "promo code 202411", "the country code is 4420",
    "booking code 482911", "your confirmation code is 482911", "product code: 123456", "tracking code is 123456", "dress code: 5555",
    "the code is 12345678901", "the code costs $4829", "press 1 for a code", "code review at 1500 hours", "source code: 4000 lines",
    "I need a pin for 2 maps", "drop a pin at 4711 Main Street", "pin number please", "rolling pin 30 cm", "what is a PIN?",
    "security code on the back", "where do I find the cvv?", "is the cvv 3 digits?", "the otp did not arrive", "send the OTP to my phone",
    "an API key is a long string", "my api key expired", "rotate the api key every 90 days", "the token is expired", "tokens: 1234567890",
    "the secret is love.", "it is an open secret", "secret santa 2024", "bearer of good news", "key takeaways: three points",
    "key: value", "the key to success is patience", "keyboard shortcut ctrl-c", "monkey: 123", "hockey 2024",
    "commit 9f3b07c1e5a82d649f3b07c1e5a82d649f3b07c1", "see 3f2a9c1e-77b0-4d5e-9a61-0c8de41f2b73 in the log",
    "image@sha256:9f3b07c1e5a82d649f3b07c1e5a82d649f3b07c1e5a82d649f3b07c1e5a82d64", "md5 9f3b07c1e5a82d649f3b07c1e5a82d64",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", "sk-learn-is-a-library-for-everyone",
    "npm_config_registry", "glpat- is the prefix", "use hf_hub_download", "risk-free for everyone at the desk-side-table",
    "curl -u is how you log in", "curl -u $USER:$PASS example.org", "curl https://example.org", "-----BEGIN PUBLIC KEY-----",
    "mein Passwort ist falsch", "ich habe mein Passwort vergessen", "das Passwort ist abgelaufen.", "Passwort: vergessen",
    "mon mot de passe est incorrect.", "j'ai oublié mon mot de passe", "code postal 75001", "mi contraseña es incorrecta.",
    "olvidé mi contraseña", "código postal 28013", "minha senha está errada", "ho dimenticato la password", "codice fiscale",
    "mijn wachtwoord is verlopen", "nie pamiętam hasła", "şifremi unuttum", "забыл пароль", "пароль неверный", "почтовый код 101000",
    "忘记密码", "密码错误", "パスワードを忘れました", "비밀번호를 잊어버렸어요", "पासवर्ड भूल गया", "نسيت كلمة المرور", "our parole officer",
    "datadog is our monitoring", "heroku app 3f2a9c1e-77b0-4d5e-9a61-0c8de41f2b73", "sentry caught 42 errors", "the linear road",
    "tan lines", "a nice tan for 20 days", "pass the salt", "I pass by at 5", "the pass is 20 dollars", "please authorize payment",
    "credentials are required", "cookie recipe: 200 g flour", "he was born in 1985 in Paris", "the answer is 42", "it is your 4th code",
    "ask Kate, she asked", "5 is my lucky number", "2024 is the year", "404 is the code of an error page", "the spin code",
];

#[test]
fn talk_is_no_secret() {
    assert!(TALK.len() >= 60, "{}", TALK.len());
    let alarms: Vec<_> =
        TALK.iter().map(|text| (*text, found(Class::Secret, text))).filter(|(_, found)| !found.is_empty()).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
}
