"""What goes over the wire: a model for every answer and every body, one file a subject. The class names are the names in `server/openapi.json`.

To add one: a `Document` for what is answered, with `of(value)` where its fields are not simply those of the engine's value, and a `Body` for what is
taken. In the route

    @routes.get("/things/{thing_id}", operation_id="getThing", response_model=Thing, responses=problems(404))
    def thing(home: AtHome, thing_id: str) -> Response:
        \"\"\"One thing: the first sentence is the operation's summary, all of it its description.\"\"\"
        return found(Thing.of(...))                                  # a GET: with an ETag

    @routes.post("/things", operation_id="createThing", response_model=Thing, responses=problems(403))
    def create(home: AtHome, post: Posting, body: Annotated[CreateThing, read(CreateThing)]) -> Response:
        return post.once(body, lambda: Thing.of(...))                # an act

and `server/openapi.py` does the rest: the request body, the key, the token and the problems that these bring follow from what the route depends on,
and `problems` names only those that it adds. `tests/server/recording.py` gets an example of it; `just examples` and `just openapi` write the files.

In an answer what is absent is left out, never null; money is `Money`; a time is `Instant`; a word of a list that may grow is
`Annotated[str, known(...)]`; a list is `{"<things>": [...], "next_cursor"?}`, a page at a time by `server.paging`. A client must not mind a field
that it does not know. In a body it is a mistake.
"""
