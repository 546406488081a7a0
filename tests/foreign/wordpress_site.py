"""A WordPress site in MariaDB: no foreign keys, members, and guests known by their e-mail address."""

from foreign_database import ForeignDatabase
from foreign_packages import wordpress_folder
from wordpress_rows import make_site

from mariadb_server import MariadbServer

CUSTOMERS = (1, 2, 3, 6, 7, 8, 14, 27, 33, 36)  # 8 has a comment's address but did not write it; 36 has only an account

E_MAIL = "(SELECT lower(user_email) FROM wp_users WHERE ID = :customer)"
POSTS = "(SELECT ID FROM wp_posts WHERE post_author = :customer)"
LINKS = "(SELECT link_id FROM wp_links WHERE link_owner = :customer)"
LINK_TOPICS = "(SELECT term_taxonomy_id FROM wp_term_taxonomy WHERE taxonomy = 'link_category')"
WRITTEN = f"(user_id = :customer OR (user_id = 0 AND lower(comment_author_email) = {E_MAIL}))"

OWNED = {
    "wp_users": "ID = :customer",
    # What signs in is secret, and nobody's to read.
    "wp_usermeta": "user_id = :customer AND meta_key NOT IN ('session_tokens', '_application_passwords')",
    "wp_posts": "post_author = :customer",
    "wp_postmeta": f"post_id IN {POSTS}",
    # An object is a post, or where the topic is one of links, a link: both are numbered from 1.
    "wp_term_relationships": f"(object_id IN {POSTS} AND term_taxonomy_id NOT IN {LINK_TOPICS})"
    f" OR (object_id IN {LINKS} AND term_taxonomy_id IN {LINK_TOPICS})",
    "wp_comments": WRITTEN,
    "wp_commentmeta": f"comment_id IN (SELECT comment_ID FROM wp_comments WHERE {WRITTEN})",
    "wp_links": "link_owner = :customer",
}


def make_mariadb(server: MariadbServer) -> ForeignDatabase:
    """Make the site in a database of the server."""
    wordpress = wordpress_folder()
    url = server.create_database("wordpress")
    make_site(wordpress, server.connect("wordpress"))
    return ForeignDatabase(url=url, customers=CUSTOMERS, owned=OWNED)
