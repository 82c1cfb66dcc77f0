"""The server's documents as a Swift package: a `Codable` type for each schema, an example for each answer, and a test that decodes them all."""
