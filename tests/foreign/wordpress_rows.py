"""Make WordPress' tables as its own PHP source spells them, and fill them by SQL: the same rows each time.

WordPress declares no foreign keys, writes 0 where it has no user, and the date 0000-00-00 where it has no date.
"""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pymysql

CUSTOMERS = 36
NAMES = ("Zoë Müller", "山田 太郎", "Ольга Кузнецова", "محمد الأحمد", "Siobhán O'Brien", "😀 Łukasz Żółć", "x")
MOMENTS = ("2024-03-31 02:30:00", "2025-12-31 23:59:59", "0000-00-00 00:00:00")
# The parts of a fresh site's schema in wp_get_db_schema(): $blog_tables and the users of a single site.
SCHEMA_PARTS = ("blog_tables", "users_single_table", "usermeta_table")
MAX_INDEX_LENGTH = "191"  # $max_index_length of the same function


def read_schema(wordpress: Path) -> list[str]:
    """Read the CREATE TABLEs out of WordPress' source, its variables put in as PHP would."""
    source = (wordpress / "wp-admin" / "includes" / "schema.php").read_text(encoding="utf-8")
    statements = []
    for part in SCHEMA_PARTS:
        found = re.search(rf'\$(?:{part}) = "(.*?)";', source, re.DOTALL)
        assert found is not None, f"WordPress' schema.php has no ${part}"
        text = (
            found[1]
            .replace("\\n", "\n")
            .replace("$charset_collate", "DEFAULT CHARACTER SET utf8mb4")
            .replace("$max_index_length", MAX_INDEX_LENGTH)
        )
        statements += re.sub(r"\$wpdb->(\w+)", r"wp_\1", text).split(";")
    return [statement for statement in statements if statement.strip()]


def make_site(wordpress: Path, connection: pymysql.Connection) -> None:
    """Make the tables in the connection's empty database, fill them, and close the connection."""
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'NO_ENGINE_SUBSTITUTION'")  # as WordPress does, for its zero dates
        for statement in read_schema(wordpress):
            cursor.execute(statement)
        connection.begin()
        add = inserter(cursor)
        for n, kind in enumerate(("category", "category", "post_tag", "link_category"), start=1):
            add("wp_terms", name=f"Thema №{n}", slug=f"thema-{n}")
            add("wp_term_taxonomy", term_id=n, taxonomy=kind, description="")
        for n in range(1, CUSTOMERS + 1):
            make_member(add, n)
        for n in range(1, 4):
            make_comment(add, n, user=0, email=f"guest.{n}@example.net", post=1)
        connection.commit()


def inserter(cursor: pymysql.cursors.Cursor) -> Callable[..., int]:
    """Give a function that inserts a row of a table and gives its number."""

    def add(table: str, **values: object) -> int:
        columns, marks = ", ".join(f"`{name}`" for name in values), ", ".join(["%s"] * len(values))
        cursor.execute(f"INSERT INTO `{table}` ({columns}) VALUES ({marks})", list(values.values()))
        return cursor.lastrowid

    return add


def make_member(add: Callable[..., int], n: int) -> None:
    """Make the n-th member with what their number gives them."""
    name, email = NAMES[n % len(NAMES)], f"Member.{n}@example.org"
    user = add(
        "wp_users", user_login=f"member{n}", user_pass=f"$P$Bsecret-of-{n}", user_nicename=f"member-{n}",
        user_email=email,
        user_url="https://example.org/~ü" if n % 3 else "", user_registered=MOMENTS[n % 2], display_name=name,
        user_activation_key=f"17000000{n}:$P$Bkey-{n}" if n % 5 == 0 else "", user_status=0,
    )  # fmt: skip
    meta = {
        "nickname": name, "first_name": name.partition(" ")[0], "last_name": name.partition(" ")[2],
        "description": "Zeile 1\nZeile 2",
        "wp_capabilities": 'a:1:{s:10:"subscriber";b:1;}', "billing_phone": "+49 030 123" if n % 2 else None,
        "session_tokens": f'a:1:{{s:64:"secret-session-{n}";a:0:{{}}}}',
        "_application_passwords": f'a:1:{{s:8:"password";s:9:"secret-{n}";}}' if n % 2 else "",
    }  # fmt: skip
    for key, value in meta.items():
        add("wp_usermeta", user_id=user, meta_key=key, meta_value=value)
    if n > 33:  # these have an account and nothing else
        return
    posts = [make_post(add, n, which, user) for which in range(n % 4)]
    for which in range(n % 5):
        make_comment(add, n + which, user=user, email=email, post=posts[0] if posts else 1)
    if n % 3 == 0:  # commented once more without signing in
        make_comment(add, n, user=0, email=email.upper(), post=1)
    if n % 7 == 0:  # signed in, with the next member's address: it is theirs who signed in
        make_comment(add, n, user=user, email=f"member.{n + 1}@example.org", post=1)
    for which in range(n % 2):
        link = add(
            "wp_links", link_url="https://example.com/", link_name=f"Seite {which}", link_owner=user, link_notes="",
            link_updated=MOMENTS[2],
        )  # fmt: skip
        # numbered like posts, so that another member's post may have the same number
        add("wp_term_relationships", object_id=link, term_taxonomy_id=4)


def make_post(add: Callable[..., int], n: int, which: int, user: int) -> int:
    """Write a post, or a draft, which has no date yet; file it under topics."""
    draft = which == 2
    post = add(
        "wp_posts", post_author=user, post_date=MOMENTS[0], post_date_gmt=MOMENTS[2] if draft else MOMENTS[0],
        post_title=f"Beitrag {n} “{which}”",
        post_content="<p>Größe & Güte</p>", post_excerpt="", post_status="draft" if draft else "publish",
        post_name=f"beitrag-{n}-{which}",
        post_password="geheim" if n % 9 == 0 else "", post_modified=MOMENTS[1], post_modified_gmt=MOMENTS[1],
        to_ping="", pinged="",
        post_content_filtered="", guid=f"https://example.org/?p={n}{which}",
    )  # fmt: skip
    for topic in range(1, 1 + (n + which) % 3):
        add("wp_term_relationships", object_id=post, term_taxonomy_id=topic)
    add("wp_postmeta", post_id=post, meta_key="_edit_last", meta_value=str(user))
    if which == 1:
        add("wp_postmeta", post_id=post, meta_key="ort", meta_value=None)
    return post


def make_comment(add: Callable[..., int], n: int, *, user: int, email: str, post: int) -> int:
    """Comment on a post; every other comment has its rating."""
    comment = add(
        "wp_comments", comment_post_ID=post, comment_author=NAMES[n % len(NAMES)], comment_author_email=email,
        comment_author_url="",
        comment_author_IP=("203.0.113.9", "2001:db8::1")[n % 2], comment_date=MOMENTS[n % 2],
        comment_date_gmt=MOMENTS[n % 2],
        comment_content="„Schön!“ <b>👍</b>", comment_approved=("1", "0", "spam")[n % 3],
        comment_agent="Mozilla/5.0", user_id=user,
    )  # fmt: skip
    if n % 2:
        add("wp_commentmeta", comment_id=comment, meta_key="rating", meta_value=str(n % 6))
    return comment
