"""By what names secrets, and what says who somebody is or where they live, travel in what is said to vendors and by them.

One list for everybody: exchanges and logs are redacted by it (`redaction.py`), and recordings are scrubbed by it (`halo_sim.scrubbing`). All in
lower case. A secret has no shape, so a name is often all there is to know it by.
"""

from __future__ import annotations

SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-amz-access-token", "x-amz-user-email", "x-api-key", "api-key"}
    | {"x-resy-auth-token", "x-resy-universal-auth", "zinc-client-token"}
)

SECRET_FIELDS = frozenset(
    {"access_token", "refresh_token", "client_id", "client_secret", "password", "token", "book_token", "resy_token", "api_key", "apikey"}
    | {"confirm_token", "legacy_token"}
)

#: Who somebody is and where they live.
PERSONAL_FIELDS = frozenset(
    {"buyingcustomer", "email", "em_address", "emailaddress", "mobile_number", "phonenumber", "phone_number", "fullname"}
    | {
        "addressline1",
        "addressline2",
        "address_line1",
        "address_line2",
        "first_name",
        "last_name",
        "postalcode",
        "postal_code",
        "zip_code",
    }
)
