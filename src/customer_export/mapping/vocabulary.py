"""What names mean, in the languages and habits that databases are named in. Data alone, and how it is looked up.

It is long because it is a dictionary.

A term of several words stands for these words in a row, or written together: `first name` is `first_name`, `firstName`
and `firstname`. Lists are of what was met in real schemas; a word with another common meaning is left out.
"""

from functools import lru_cache

from customer_export.mapping.words import singular

LONG_ENOUGH_TO_END = 5  # letters: `custphone` ends in `phone`, while `rating` must not end in a term `ting`


class Terms:
    """A list of terms, arranged so that a name is held against hundreds of them in a few steps."""

    def __init__(self, text: str, *, endings: bool = True) -> None:
        terms = [tuple(term.split()) for line in text.strip().splitlines() for term in line.split(",")]
        self._terms = frozenset(terms)
        self._widths = sorted({len(term) for term in terms})
        self._glued = frozenset("".join(term) for term in terms)
        self._endings = frozenset(
            "".join(term) for term in terms if endings and (len(term) > 1 or len(term[0]) >= LONG_ENOUGH_TO_END)
        )

    @lru_cache(maxsize=65536)  # noqa: B019  (vocabularies live as long as the program)
    def said_in(self, words: tuple[str, ...]) -> bool:
        """Whether the words of a name, as `words_of` gives them, have one of the terms in them."""
        alone = tuple(singular(word) for word in words)
        return any(self._stands(form) for form in ((words,) if alone == words else (words, alone))) or any(
            word in self._glued or self._ends(word) for word in {*words, *alone}
        )

    def names(self, words: tuple[str, ...]) -> bool:
        """Whether a name is one of the terms and nothing else, in the singular or plural."""
        alone = tuple(singular(word) for word in words)
        return alone in self._terms or words in self._terms or "".join(alone) in self._glued

    def _stands(self, words: tuple[str, ...]) -> bool:
        return any(
            words[at : at + width] in self._terms for width in self._widths for at in range(len(words) - width + 1)
        )

    def _ends(self, word: str) -> bool:
        return any(word[at:] in self._endings for at in range(1, len(word) - LONG_ENOUGH_TO_END + 1))


CUSTOMERS = Terms("""
customer, client, kunde, kundin, cliente, klant, kund, klient, asiakas, musteri, zakaznik, ugyfel, pelanggan
kupac, chaland, клиент, покупатель, 客户, 顧客, 고객
""")
"""Tables of customers that say so."""

PEOPLE = Terms("""
user, member, account, person, party, partner, res partner, subscriber, patient, guest, buyer, shopper, contact
profile, student, passenger, donor, tenant, policyholder, cardholder, auth user, benutzer, nutzer, mitglied
usuario, utilisateur, utente, gebruiker, brugare, anvandare, bruger, uzytkownik, uzivatel, kullanici, pengguna
socio, miembro, membre, personne, persona, pessoa, abonnent, client account, web user, app user, end user
employee, candidate, lead, host, rider, driver, reader, borrower, owner, resident, player, voter, traveller
traveler, learner, пользователь, 用户, 使用者, 会員, 회원
""")
"""Tables of people that may be the customers."""

LIKELY_PEOPLE = Terms(
    "user,member,account,person,partner,res partner,auth user,subscriber,patient,client account,buyer"
)
"""Those of them that most often are."""

STAFF = Terms("""
employee, staff, admin, administrator, agent, rep, operator, moderator, editor, manager, supervisor, clerk
salesperson, seller, salesman, sales rep, sales person, support rep, account manager, vendor, supplier
merchant, cashier, technician, assignee, mitarbeiter, verkaufer, vendeur, vendedor, empleado, employe
lieferant, fournisseur, proveedor, fornitore, medewerker
""")
"""People that are not the customers, and columns that name them."""

MAKERS = Terms("""
create uid, created by, creator, author user, added by, submitted by, uploaded by, inserted by, entered by
posted by, made by, creator id, created user, createdby, erstellt von, creado por, cree par, registered by
recorded by, issued by, opened by, causer
""")
"""Columns that say who made a row."""

HANDLERS = Terms("""
write uid, updated by, modified by, changed by, edited by, deleted by, approved by, assigned to, assigned
handled by, processed by, reviewed by, verified by, closed by, resolved by, locked by, published by
cancelled by, canceled by, last modified by, last updated by, moderated by, completed by, responsible, assignee
approver, modifier, updater, editor, reviewer, moderator, banned by, geaendert von, bearbeiter, sales rep
support rep, blocked by, archived by, rejected by, accepted by, signed by, performed by, invited by
referred by, referrer, inviter, sponsor, impersonated by, checked by, packed by, shipped by, refunded by
reported by
""")
"""Columns that say who handled a row that is somebody else's."""

AUTHORS = Terms("""
author, sender, writer, poster, from user, sent by, written by, autor, auteur, absender, participant, commenter
""")
"""Columns that say who wrote a row that stands in a thread of another."""

PARENTS = Terms("""
parent, main, head, master, root, belongs to, company, household, merged into, merged, commercial partner
primary, group, organization
""")
"""Columns by which a row belongs to another row of its own table."""

HUBS = Terms("""
product, item master, article, artikel, produkt, producto, produit, prodotto, produto, category, kategorie
categoria, categorie, brand, manufacturer, country, region, state, city, currency, language, locale, tax
tax rate, status, type, tag, label, color, size, unit, shop, store, site, website, warehouse, location, branch
office, department, channel, vendor, supplier, catalog, catalogue, collection, sku, variant, product variant
product template, attribute, option, price list, pricelist, promotion, coupon, voucher, discount, campaign
role, permission, plan, tariff, genre, album, track, artist, course, event, venue, film, movie, book, title
template, carrier, payment method, payment provider, shipping method, delivery method, setting, configuration
config, page, news, blog, forum, board, room, team, company, organization, organisation, tenant, project
workspace, package, material, model, employee, staff
""")
"""Tables that many customers share."""

LANGUAGE = Terms("""
language, lang, locale, language code, lang code, locale code, language id, lang id, id lang, locale id, culture
language iso, sprache, langue, idioma, lingua
""")
"""Columns that say in which language a text is."""

TENANTS = Terms("tenant,workspace")
"""Whose customers they are, in software that many share; or people, where rooms are let."""

DESCRIBERS = Terms("""
address, adresse, direccion, indirizzo, endereco, adres, adress, profile, user profile, contact, contact info
contact detail, person, personal detail, identity, bank account, credit card, card, payment source
billing detail, shipping detail, phone, email, avatar, preference, passport, document, login, account, user
auth user, res user
""")
"""Tables whose rows describe one customer."""

ADDRESSES = Terms("""
address, adresse, direccion, indirizzo, endereco, adres, adress, anschrift, phone, email address, contact
""")
ORDERS = Terms("""
order, sale order, sales order, purchase, bestellung, auftrag, commande, pedido, ordine, encomenda, bestelling
zamowienie, objednavka, booking, reservation, rental, invoice, sale, transaction, subscription, rechnung
factura, facture, заказ, 订单, 注文
""")
"""Tables that can play the orders, the likeliest first by `ORDER_RANK`."""

ORDER_RANK = (
    "order", "bestellung", "auftrag", "commande", "pedido", "ordine", "encomenda", "bestelling", "zamowienie",
    "objednavka", "заказ", "订单", "注文", "purchase", "sale", "booking", "reservation", "rental", "invoice",
    "rechnung", "factura", "facture", "subscription", "transaction",
)  # fmt: skip

PAYMENTS = Terms("""
payment, refund, invoice, charge, transaction, payout, credit, wallet, balance, billing, rechnung, zahlung
paiement, pago, factura, facture, subscription, loyalty, point, gift card, bank, card, receipt, ledger
account move, journal
""")
DELIVERIES = Terms(
    "fulfillment,fulfilment,shipment,delivery,parcel,consignment,dispatch,return,lieferung,livraison,envio"
)
MESSAGES = Terms("""
message, ticket, comment, review, note, email, mail, chat, conversation, post, feedback, survey, answer, reply
support, case, inquiry, enquiry, notification, sms, call, letter, nachricht, kommentar, bewertung, mensaje
avis, notiz, question, correspondence
""")
LOGS = Terms("""
log, login, session, event, visit, page view, pageview, activity, history, audit, device, token, access, track
click, ip, request, search
""")
CONSENTS = Terms("""
consent, opt in, gdpr, privacy, agreement, terms, permission grant, newsletter, einwilligung, consentement
""")

EMAIL = Terms("""
email, e mail, mail, email address, mail address, correo, correo electronico, courriel, epost, почта, メール
""")
NOT_EMAIL = Terms(
    """
opt in, template, subject, body, count, verified, confirmed, sent, id, html, status, type, hash, domain, at
format, token, code, server, mailing, preference, enabled, allowed, notification, bounce, encoding
""",
    endings=False,
)
PHONE = Terms("""
phone, mobile, telephone, fax, cell, cellphone, tel, telefon, telefono, handy, telefax, msisdn, whatsapp
phone number, mobile phone, portable, celular, telefoon, тел, телефон, 电话
""")
URL = Terms("""
url, uri, website, web site, homepage, link, href, webpage, permalink, image url
""")
NAMES = Terms("""
name, first name, last name, full name, surname, given name, family name, middle name, fname, lname, firstname
lastname, vorname, nachname, name1, name2, nombre, apellido, apellidos, prenom, nom, nome, cognome, sobrenome
voornaam, achternaam, fornamn, efternamn, imie, nazwisko, username, user name, nickname, nick, login
display name, screen name, handle, salutation, anrede, honorific, recipient, contact name, maiden name
initials, suffix, ship name, billing name, shipping name, holder, card holder, company name, company, firma
имя, фамилия, 姓名, 名前
""")
IDENTITY = Terms("""
birth, birthday, birthdate, birth date, date of birth, dob, geburtsdatum, fecha nacimiento, naissance, gender
sex, geschlecht, genero, sexe, age, avatar, photo, picture, portrait, signature, nationality, occupation
job title, profession, marital, marital status, education, height, language spoken, twitter, facebook
instagram, linkedin, skype, social
""")
CONTACT = Terms("""
address, street, street2, line1, line2, addr, address1, address2, address line, city, town, zip, zipcode
postcode, postal, postal code, zip code, plz, ort, strasse, hausnummer, house number, county, province, region
country, state, district, suburb, calle, ciudad, rue, ville, code postal, indirizzo, citta, cap, cep, endereco
bairro, cidade, adres, miasto, ulica, landline, contact, latitude, longitude, lat, lng, lon, geo, geolocation
location, adresse, direccion, provincia, pais, pays, paese, land, apartment, building, floor
""")
TECHNICAL = Terms("""
ip, ip address, ipaddress, user agent, useragent, browser, device, fingerprint, cookie, session, referer
referrer url, utm, os, platform, created, updated, modified, deleted, inserted, created at, updated at
deleted at, version, etag, checksum, guid, uuid, external, sync, synced, token, timestamp, locale, timezone
time zone, id, ids, slug, hash, metadata, meta, revision, migration, lft, rgt, last seen
""")
SENSITIVE = Terms("""
ssn, social security, social security number, tax id, taxid, tax number, tax identifier, vat, vat number
vat id, ust id, steuernummer, passport, passport number, national id, national identity, identity number
id number, id card, personal number, nino, sin, nif, dni, cpf, cnpj, curp, rfc, codice fiscale, bsn
personnummer, pesel, aadhaar, driver license, driving license, drivers license, license number, health, medical
diagnosis, allergy, allergies, blood, blood type, blood group, disability, medication, religion, religious
ethnicity, race, ethnic, sexual, orientation, sexual orientation, political, union, biometric, genetic
criminal, conviction, salary, income, pregnant
""")
CONSENT = Terms("""
consent, opt in, optin, opt out, optout, newsletter, marketing, gdpr, terms, terms accepted, privacy
subscribed, unsubscribed, agreed, agreement, accepts marketing, do not call, do not contact, einwilligung
mailing list, allow, permission, double opt in
""")
FINANCIAL = Terms("""
iban, bic, swift, account number, routing number, sort code, bank, bank account, card last, last4, last four
last digits, card type, card brand, expiry, exp month, exp year, payment, payment method, invoice, credit limit
balance, currency, billing, sepa, mandate, debit, loyalty point, credit, wallet, discount code, coupon, voucher
""")
COMMUNICATION = Terms("""
message, subject, body, comment, note, notes, text, content, remark, reply, question, answer, feedback, review
description of problem, bemerkung, notiz, kommentar, nachricht, observaciones, comentario, commentaire, memo
transcript, reason
""")

MONEY = Terms("""
price, amount, total, subtotal, sub total, tax amount, tax total, tax, discount, cost, fee, balance, credit
shipping, freight, paid, refund, refunded, net, gross, grand total, payment, unit price, list price, due
charge, deposit, revenue, spend, spent, value, sum, tip, vat amount, surcharge, commission, salary, income
budget, debit, turnover, premium, fare, rent, wage, line total, outstanding, lifetime value, wallet
credit limit, limit amount, preis, betrag, summe, gesamt, netto, brutto, steuer, rabatt, versand, importe
precio, monto, coste, costo, prix, montant, somme, prezzo, importo, totale, valor, preco, prijs, bedrag, cena
kwota, msrp, buy price, donation, payout, adjustment, handling
""")
NOT_MONEY = Terms(
    """
rate, percent, percentage, pct, qty, quantity, weight, ratio, score, latitude, longitude, lat, lng, lon, factor
hours, count, points, number, width, height, length, depth, volume, distance, duration, rating, exchange
version, level, probability, temperature, menge, id, days, minutes, seconds, units, type, code, rank, items
size, method, status, at, index, priority, stock, position, fx, margin rate, gewicht, share, multiplier
""",
    endings=False,
)
MINOR_UNITS = Terms(
    "cents,cent,pence,minor,minor units,in cents,micros,kopeks,satoshi,satoshis,rappen,ore,grosze,minor unit",
    endings=False,
)
CURRENCY = Terms("""
currency, currency code, curr, currency iso, iso currency, waehrung, wahrung, moneda, devise, valuta, moeda
waluta, currency id, ccy, currencycode
""")

IDENTIFIER = Terms("""
number, no, nr, num, code, sku, ean, upc, isbn, asin, gtin, barcode, serial, phone, mobile, fax, tel, telephone
zip, zipcode, postcode, postal code, plz, code postal, cap, cep, vat, tax id, iban, bic, swift, ssn, passport
reference, ref, tracking, tracking number, account number, last4, order number, invoice number, numero, nummer
numer, matricule, folio, external id, external reference, license, license plate, number plate, imei, msisdn
vin, last digits
card number, pan, telefon, telefono, handy, steuernummer, ust id, national id, personnummer, cpf, cnpj, nif
dni, external, card
""")
NOT_IDENTIFIER = Terms(
    "number of,count,line number,line no,row number,page number,house number,quantity,sequence", endings=False
)

DISPLAY = (
    "name", "title", "label", "full name", "display name", "product name", "nombre", "nom", "nome", "naam",
    "bezeichnung", "titel", "titulo", "titre", "description", "number", "code", "sku", "reference", "slug", "key",
    "subject", "value", "iso", "iso code",
)  # fmt: skip
"""Columns that name a row, the likeliest first."""

CALLED = Terms("name,title,label,nombre,nom,nome,naam,bezeichnung,titel,titulo,titre", endings=False)
"""Those of them that people call a thing by."""

EVENT_TIMES = Terms("""
placed at, ordered at, order date, date ordered, date order, purchased at, purchase date, invoice date, paid at
payment date, date paid, shipped at, ship date, sent at, posted at, written at, opened at, occurred at
event time, logged at, logged in at, login time, visited at, refunded at, transaction date, booking date
rental date, decided at, date placed, date, datum, fecha, data, time, timestamp, at, on, when, started at
start date, post date, comment date, bestelldatum, rechnungsdatum, happened at, received at, issued at
date time, datetime
""")
CREATED_TIMES = Terms("""
created, created at, create date, date created, created on, creation date, date created gmt, added at
date added, inserted at, registered, registered at, joined at, date joined, signup date, signed up at
erstellt am, angelegt am, fecha creacion, date creation, date add, creado, cree le, createdate, regdate, since
createdtime, datecreated, created date, create time, user registered
""")
OTHER_TIMES = Terms("""
updated, updated at, modified, modified at, deleted, deleted at, expires, expires at, expiry, birth, birthday
dob, due, due date, required date, last, end, until, valid, changed, cancelled, canceled, closed, delivered
estimated, expected, password, verified, confirmed, start trial
""")
TIMES = Terms("""
date, time, at, on, timestamp, created, updated, modified, deleted, datum, fecha, ts, expires, expiry
registered, joined, last login, epoch, last activity, since, until, dateline, birthday, regdate, lastvisit
created on, updated on, time created, mtime, ctime, when, ends, starts
""")

BOOLEANS = Terms("""
is, has, can, active, enabled, disabled, deleted, verified, confirmed, opt in, accepted, allowed, flag, visible
published, default, default billing, default shipping, subscribed, newsletter, paid, read, approved, locked
blocked, archived, hidden, granted, accepts, agreed, should, was, optin
""")

SECRETS = Terms("""
password, passwd, pwd, passphrase, passcode, password hash, pass hash, user pass, crypted password
encrypted password, hashed password, passwort, kennwort, mot de passe, mdp, contrasena, clave acceso, senha
wachtwoord, haslo, losenord, heslo, sifre, parola, adgangskode, salasana, пароль, 密码, パスワード, 비밀번호, salt
password salt, token, secret, api key, apikey, api secret, api token, access token, refresh token, auth token
auth key, remember token, reset token, reset key, reset code, activation key, activation code, activation token
confirmation token, verification code, verification token, otp, otp secret, totp, totp secret, mfa secret
two factor secret, recovery codes, backup codes, private key, client secret, session key, session id
session data, session token, session tokens, cookie token, card pin, pin hash, login pin, cvv, cvv2, cvc, cvc2
csc, card number, cc number, credit card number, ccnumber, pan, security answer, security code, secret answer
secret question answer, webhook secret, signing key, encryption key, login token, magic link, verification hash
validation hash, secure key, auth hash, one time password, nonce, reset password token, password reset
otp code, persistence code, reset password code, forgot password code, auth secret, jwt, bearer
""")
NOT_SECRETS = Terms(
    """
at, date, count, expires, expiry, changed, created, updated, type, name, last4, last four, last digits, last
limit, status, attempts, is, has, on, algorithm, algo, method, provider, used, enabled, required, id, hint
question, policy, length, version, format, time, number of, iterations
""",
    endings=False,
)
ABOUT_SECRETS = Terms(
    "last4,last four,last digits,card last,number of,payment token type,password changed,masked", endings=False
)
"""What is about a secret, wherever it stands in a name."""

PERSON_NAMES = Terms("""
first name, last name, full name, surname, given name, family name, middle name, fname, lname, vorname
nachname, apellido, prenom, cognome, sobrenome, voornaam, achternaam, nazwisko, recipient, contact name
ship name, billing name, card holder, holder name, nickname, username, user name, company, firma, anrede
salutation
""")
"""Names of people that say so, whatever the table."""

WEAK_MONEY = Terms(
    "value,total,sum,balance,credit,charge,spent,due,net,gross,tip,budget,limit amount,discount,tax,paid"
)
"""Words of money that whole numbers are called by for other reasons, when they stand alone."""

NETWORK = Terms("""
ip, ip address, ipaddress, remote addr, remote address, mac address, user agent, useragent, device
""")
"""What a visitor's machine is known by, which is no postal address."""
