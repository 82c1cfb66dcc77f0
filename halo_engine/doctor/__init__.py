"""Whether an installation is well. `examining` asks every question there is, `finding` is an answer; nothing here changes anything."""
