//! The phrases with which things are asked for, and the words of a request.

use super::super::super::Class;
use super::ask::Asked;

/// Words with which something is asked for; a question mark does as well.
#[rustfmt::skip]
pub(crate) const REQUESTS: &[&str] = &[
            "please", "provide", "need", "enter", "give", "tell", "share", "confirm", "verify", "require", "send me",
            "read me", "type", "spell", "may i", "could you", "can you", "let me have", "bitte", "geben", "nennen",
            "brauche", "por favor", "indique", "indica", "dime", "dígame", "envíe", "necesito", "facilite",
            "merci de", "veuillez", "donnez", "s'il", "besoin", "per favore", "inserisca", "dica", "fornisca",
            "serve", "favor", "informe", "digite", "preciso", "graag", "geef", "alstublieft", "nodig", "prosz",
            "poda", "lütfen", "girin", "yaz", "назовите", "укажите", "введите", "пожалуйста", "продиктуйте", "нужен",
            "batai", "batao", "kripya", "chahiye", "कृपया", "बता", "दें", "चाहिए", "教えて", "ください", "お願い", "请", "請",
            "提供", "输入", "알려", "입력", "주세요", "말씀",
        ];

/// The phrases, in the languages that customers write in; where one is also a cue of a value ("date of birth"), the cue is heard. A `~` at the end says
/// that endings may follow.
#[rustfmt::skip]
pub(crate) const PHRASES: &[(Asked, &[&str])] = &[
    (
        Asked::Card,
        &[
            "card number", "credit card no", "card no", "card details", "card info", "number on the card",
            "number on your card", "16 digits", "16-digit", "sixteen digit", "long number", "card num",
            "your card please", "my card is", "card ending", "last four", "last 4", "first four", "first 4",
            "last 4 digits", "kartennummer", "kreditkartennummer", "kreditkarte", "letzten vier~", "ersten vier",
            "karten-nr", "numéro de carte", "numero de carte", "numéro de votre carte", "numéro de la carte",
            "numéro de ta carte", "numéro de ma carte", "carte bancaire", "carte bleue", "quatre derniers",
            "derniers chiffres", "número de tarjeta", "numero de tarjeta", "número de su tarjeta",
            "numero de su tarjeta", "número de la tarjeta", "numero de la tarjeta", "número de tu tarjeta",
            "numero de tu tarjeta", "mi tarjeta", "últimos cuatro", "ultimos cuatro", "últimos 4", "primeros cuatro",
            "numero di carta", "numero della carta", "numero carta", "numero della sua carta",
            "numero della tua carta", "carta di credito", "ultime quattro", "número do cartão", "numero do cartao",
            "número do seu cartão", "numero do seu cartao", "cartão de crédito", "últimos quatro", "quatro últimos",
            "kaartnummer~", "creditcardnummer", "creditcard", "laatste vier", "numer karty", "numeru karty",
            "karty kredytowej~", "ostatnie cztery", "kart numara~", "kartınızın numara~", "kredi kart~", "son dört",
            "номер карт", "номера карт", "номер вашей карт", "номер банковской карт", "последние четыре",
            "последние 4", "card ka number", "कार्ड नंबर", "कार्ड का नंबर", "कार्ड संख्या", "カード番号", "下4桁", "下四桁",
            "卡号", "卡號", "后四位", "카드 번호", "카드번호", "뒤 네 자리", "kortnummer", "korttinumero", "číslo karty", "kártyaszám",
            "αριθμό κάρτας", "رقم البطاقة",
        ],
    ),
    (
        Asked::Expiry,
        &[
            "expiry", "expiration date", "expiration", "exp date", "expires", "valid thru", "valid until",
            "gültig bis", "ablaufdatum", "gültigkeit", "date d'expiration", "date de validité", "fecha de caducidad",
            "fecha de vencimiento", "fecha de expiración", "vencimiento", "data di scadenza", "scadenza",
            "data de validade", "validade", "vervaldatum", "geldig tot", "data ważności", "son kullanma",
            "срок действия", "有効期限", "有效期", "유효 기간", "유효기간", "samapti tithi", "समाप्ति",
        ],
    ),
    (
        Asked::CardCode,
        &[
            "three digits on the back", "3 digits on the back", "code on the back", "card security number", "prüfnummer",
            "prüfziffer", "sicherheitscode", "code de sécurité", "cryptogramme", "código de seguridad",
            "codigo de seguridad", "codice di sicurezza", "código de segurança", "codigo de seguranca",
            "beveiligingscode", "kod bezpieczeństwa", "güvenlik kodu", "код безопасности", "код на обороте",
            "セキュリティコード", "安全码", "보안 코드", "보안코드", "सुरक्षा कोड",
        ],
    ),
    (
        Asked::Phone,
        &[
            "phone number", "telephone number", "your phone", "mobile number", "cell number", "cell phone number",
            "contact number", "callback number", "number to reach", "number to call", "your number", "my number",
            "number can we reach", "number can i reach", "number we can reach", "good number", "best number",
            "call you back", "whatsapp number", "my mobile is", "my phone is", "my cell is", "telefonnummer",
            "handynummer", "rufnummer", "mobilnummer", "deine nummer", "ihre nummer", "meine nummer",
            "numéro de téléphone", "numero de telephone", "votre numéro", "ton numéro", "numéro de portable",
            "mon numéro", "votre téléphone", "número de teléfono", "numero de telefono", "número de móvil",
            "número de celular", "numero de celular", "su teléfono", "tu teléfono", "mi número", "mi teléfono",
            "número de contacto", "numero di telefono", "numero di cellulare", "suo numero", "tuo numero",
            "mio numero", "recapito telefonico", "número de telefone", "numero de telefone", "seu telefone",
            "seu número", "meu número", "número de celular", "telefoonnummer", "mobiele nummer", "uw nummer",
            "je nummer", "mijn nummer", "numer telefonu", "numeru telefonu", "telefon numara~", "cep telefonu~",
            "cep numara~", "номер телефона", "номера телефона", "ваш номер", "ваш телефон", "мой номер",
            "мой телефон", "phone ka number", "mobile no", "aapka number", "mera number", "फोन नंबर", "फ़ोन नंबर",
            "मोबाइल नंबर", "電話番号", "电话号码", "手机号", "電話號碼", "전화번호", "전화 번호", "휴대폰 번호", "연락처", "telefonnumret",
            "puhelinnumero", "telefonní číslo", "telefonszám", "رقم الهاتف", "τηλέφωνό σας", "nomor telepon",
            "số điện thoại", "رقم هاتفك", "رقم هاتف", "رقم جوالك", "رقم الجوال",
        ],
    ),
    (
        Asked::Id(Class::UsSsn),
        &[
            "social security", "social security number", "ssn", "last four of your social", "last 4 of your social",
            "last four of your ssn", "last 4 of your ssn", "your social", "my social",
        ],
    ),
    (
        Asked::Id(Class::NationalId),
        &[
            "numéro de sécurité sociale", "numéro de sécu", "national id", "national id number", "id number",
            "identity number", "tax id", "burgerservicenummer", "bsn", "rijksregisternummer",
            "número de identificación", "número de identificação", "cédula", "cpf", "cnpj", "rg", "nif", "curp",
            "rfc", "cuit", "cuil", "rut", "снилс", "СНИЛС", "инн", "ИНН", "паспорт", "身份证", "身分證", "マイナンバー",
            "個人番号", "id card number", "ahv-nummer", "numéro avs", "pps number", "ppsn", "cnp", "егн", "ЕГН", "oib",
            "jmbg", "rodné číslo", "αφμ", "ΑΦΜ", "amka", "fødselsnummer", "cpr-nummer", "nomor ktp", "nik", "cnic",
            "رقم الهوية", "номер паспорта",
        ],
    ),
    (Asked::Id(Class::DeSocialSecurity), &["sozialversicherungsnummer", "rentenversicherungsnummer"]),
    (Asked::Id(Class::EsNif), &["dni", "su dni", "número de dni"]),
    (Asked::Id(Class::DeTaxId), &["steuer-id", "steuer id", "steueridentifikationsnummer", "steuernummer"]),
    (Asked::Id(Class::DeIdCard), &["ausweisnummer", "personalausweis"]),
    (Asked::Id(Class::ItFiscalCode), &["codice fiscale"]),
    (Asked::Id(Class::PlPesel), &["pesel"]),
    (Asked::Id(Class::TrNationalId), &["kimlik numara~", "tc kimlik~", "t.c. kimlik~"]),
    (Asked::Id(Class::InAadhaar), &["aadhaar", "aadhar", "आधार"]),
    (Asked::Id(Class::KrRrn), &["주민등록번호", "주민번호"]),
    (Asked::Id(Class::UkNino), &["national insurance number", "ni number"]),
    (Asked::Id(Class::UkNhs), &["nhs number"]),
    (
        Asked::Id(Class::UsPassport),
        &[
            "passport number", "passport no", "your passport", "passport details", "number on your passport",
            "number on the passport", "reisepassnummer", "passnummer", "numéro de passeport", "número de pasaporte",
            "numero di passaporto", "número do passaporte", "paspoortnummer", "numer paszportu", "pasaport numara~",
            "パスポート番号", "护照号", "여권번호", "여권 번호", "पासपोर्ट नंबर", "رقم جواز السفر",
        ],
    ),
    (
        Asked::Id(Class::UsDriverLicense),
        &[
            "driver's license number", "driver license number", "drivers license number", "licence number",
            "license number", "your driver's license", "your drivers license", "your driver's licence",
            "your driving licence", "driving licence number", "driver's licence number", "licence no", "license no",
            "führerscheinnummer", "numéro de permis", "número de licencia", "licencia de conducir", "numero di patente",
            "número da carta de condução", "número da cnh", "rijbewijsnummer", "numer prawa jazdy", "ehliyet numara~",
            "運転免許証番号", "운전면허번호",
        ],
    ),
    (
        Asked::Id(Class::UsBankNumber),
        &[
            "account number", "bank account", "account no", "kontonummer~", "numéro de compte", "número de cuenta",
            "numero de cuenta", "numero di conto", "número da conta", "numero da conta", "rekeningnummer",
            "numer konta", "hesap numara~", "номер счета", "номер счёта", "口座番号", "账号", "계좌번호", "계좌 번호",
            "khata number", "खाता नंबर", "खाता संख्या", "sort code", "رقم الحساب",
        ],
    ),
    (Asked::Id(Class::AbaRoutingNumber), &["routing number", "aba number"]),
    (Asked::Iban, &["iban"]),
    (
        Asked::Birth,
        &[
            "when were you born", "birthday", "date of birth", "wann sind sie geboren", "geburtstag", "né le",
            "née le", "cuándo nació", "cuando nacio", "nacimiento", "data di nascita", "data de nascimento",
            "geboortedatum", "data urodzenia", "datę urodzenia", "doğum tarihi~", "дата рождения", "дату рождения",
            "janam tithi", "fecha de nacimiento", "date de naissance", "geburtsdatum", "doğum tarihiniz~", "तारीख", "تاريخ الميلاد", "تاريخ ميلادك", "생일", "誕生日", "जन्म तिथि", "जन्मतिथि", "生年月日", "出生日期", "生日", "생년월일", "fødselsdato", "födelsedatum",
        ],
    ),
    (Asked::Pin, &["your pin", "pin number", "apna pin", "aapka pin", "पिन", "su pin", "tu pin", "seu pin", "il pin", "uw pin", "ihre pin", "الرقم السري", "geheimzahl", "code pin", "пин-код", "пин код", "暗証番号", "비밀번호"]),
    (
        Asked::Password,
        &[
            "your password", "ihr passwort", "dein passwort", "şifreniz~", "şifre~", "пароль", "hasło", "パスワード", "密码",
            "密碼", "पासवर्ड", "palavra-passe",
        ],
    ),
    (
        Asked::OneTime,
        &[
            "otp", "otp batai~", "ओटीपी", "code we sent", "code we just sent", "code i sent", "code i just sent", "6-digit code", "six-digit code",
            "6 digit code", "code we texted", "code you received", "the code", "bestätigungscode",
            "code de vérification", "código de verificación", "codice di verifica", "código de verificação",
            "verificatiecode", "kod weryfikacyjny", "doğrulama kodu", "код подтверждения", "код из смс", "確認コード",
            "验证码", "驗證碼", "인증번호", "인증 번호",
        ],
    ),
    (
        Asked::Username,
        &[
            "username", "user name", "user id", "login name", "login id", "screen name", "benutzername", "nutzername",
            "benutzernamen", "nom d'utilisateur", "nombre de usuario", "nome utente", "nome de usuário",
            "gebruikersnaam", "nazwa użytkownika", "nazwę użytkownika", "kullanıcı ad~", "имя пользователя", "логин",
            "用户名", "ユーザー名", "아이디", "यूज़रनेम", "اسم المستخدم",
        ],
    ),
    (
        Asked::Email,
        &[
            "email", "e-mail", "email address", "e-mail address", "email id", "mail address", "e-mail-adresse",
            "mailadresse", "adresse mail", "adresse e-mail", "correo", "correo electrónico", "indirizzo email",
            "indirizzo e-mail", "e-mailadres", "adres e-mail", "e-posta", "электронн", "почту", "имейл", "ईमेल",
            "メールアドレス", "邮箱", "郵箱", "이메일",
        ],
    ),
    (
        Asked::Address,
        &[
            "your address", "my address", "home address", "mailing address", "shipping address", "delivery address",
            "street address", "billing address", "where do you live", "where should we send", "where shall we send",
            "ihre adresse", "deine adresse", "anschrift", "lieferadresse", "wo wohnen sie", "votre adresse",
            "ton adresse", "adresse de livraison", "adresse postale", "su dirección", "tu dirección", "su direccion",
            "dirección de envío", "direccion de envio", "suo indirizzo", "tuo indirizzo", "indirizzo di spedizione",
            "seu endereço", "endereço de entrega", "seu endereco", "uw adres", "je adres", "bezorgadres",
            "adres zamieszkania", "pana adres", "pani adres", "adres dostawy", "adresiniz~", "teslimat adresi~",
            "ваш адрес", "адрес доставки", "aapka pata", "आपका पता", "पता बता", "ご住所", "住所", "您的地址", "收货地址", "주소",
        ],
    ),
    (
        Asked::Name,
        &[
            "your name", "your full name", "your first name", "your last name", "your surname", "name on the card",
            "name on your card", "who am i speaking", "ihr name", "ihren namen", "wie heißen sie", "dein name",
            "votre nom", "ton nom", "su nombre", "tu nombre", "cómo se llama", "nombre completo", "il suo nome",
            "il tuo nome", "nome e cognome", "seu nome", "nome completo", "uw naam", "je naam", "imię i nazwisko",
            "adınız~", "isminiz~", "ваше имя", "как вас зовут", "фамили", "aapka naam", "aapka shubh naam",
            "आपका नाम", "اسمك", "الاسم الكامل", "お名前", "您的姓名", "您贵姓", "성함", "이름이",
        ],
    ),
    (
        Asked::Reference,
        &[
            "order number", "booking reference", "booking number", "reservation number", "confirmation number",
            "tracking number", "ticket number", "case number", "customer number", "reference number", "bestellnummer",
            "kundennummer", "auftragsnummer", "buchungsnummer", "numéro de commande", "numéro de client",
            "número de pedido", "numero de pedido", "número de cliente", "número de reserva", "numero d'ordine",
            "numero ordine", "número do pedido", "bestelnummer", "klantnummer", "numer zamówienia", "sipariş numara~",
            "номер заказа", "注文番号", "订单号", "주문번호", "주문 번호", "ऑर्डर नंबर",
        ],
    ),
    (
        Asked::Rest,
        &[
            "the rest", "remaining digits", "remaining", "next four", "next 4", "next digits", "next part",
            "other digits", "second half", "den rest", "der rest", "die restlichen", "le reste", "la suite",
            "el resto", "il resto", "o resto", "de rest", "resztę", "gerisi", "devamı", "остальные", "дальше",
            "baaki", "बाकी", "残り", "剩下", "나머지",
        ],
    ),
];
