"""The files of the Swift package around the generated types."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from halo_cli.swift.examples import Example
from halo_cli.swift.names import text, type_name
from halo_cli.swift.types import Schema, source_of, type_of

_SOURCES, _TESTS = "Sources/HaloAPI", "Tests/HaloAPITests"

_PACKAGE = """// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "HaloAPI",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "HaloAPI", targets: ["HaloAPI"])],
    targets: [
        .target(name: "HaloAPI"),
        .testTarget(name: "HaloAPITests", dependencies: ["HaloAPI"], resources: [.copy("Fixtures")]),
    ]
)
"""

_JSON = """import Foundation

/// How Halo's server writes JSON: times as `2026-03-03T17:00:00Z`, and what is absent left out.
public enum HaloJSON {
    public static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }

    public static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

/// JSON of no shape that is promised.
public enum JSONValue: Codable, Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    public init(from decoder: Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
"""

_TEST = """// Made by `halo fixtures export --swift`. Make it anew instead of changing it.
import Foundation
import XCTest

@testable import HaloAPI

/// Every example that came with this package decodes as the type of its answer, and comes back the same from an encoder.
final class DecodeAllTests: XCTestCase {
    private func fixture(_ path: String) throws -> Data {
        let folder = try XCTUnwrap(Bundle.module.resourceURL)
        return try Data(contentsOf: folder.appendingPathComponent("Fixtures").appendingPathComponent(path))
    }

    private func decodes<T: Codable & Equatable>(_ type: T.Type, _ path: String, file: StaticString = #filePath, line: UInt = #line) throws {
        let value = try HaloJSON.decoder().decode(type, from: fixture(path))
        let again = try HaloJSON.decoder().decode(type, from: HaloJSON.encoder().encode(value))
        XCTAssertEqual(value, again, path, file: file, line: line)
    }

    private func isPicture(_ path: String, file: StaticString = #filePath, line: UInt = #line) throws {
        let start: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        XCTAssertEqual(Array(try fixture(path).prefix(8)), start, path, file: file, line: line)
    }
"""

_README = """# HaloAPI

Made by `halo fixtures export --swift` from `server/openapi.json`: a `Codable` type for each document of Halo's server, an example of each
answer, a picture of each card, and a test that decodes all of it.

    swift test

Where this was made there is no Swift: it was checked there that the source is whole, and that every example fits the types as they are
written. It was **not compiled**.

`HaloJSON.decoder()` reads times as the server writes them. A word of a list that may grow (`CardKind`) is a struct, so a word that comes with
a later server is kept, and equals none of the known ones. A field that may be absent is an optional. Make the package anew instead of changing it.
"""


def files_of(schemas: Mapping[str, Schema], examples: Iterable[Example], pictures: Mapping[str, bytes]) -> dict[str, bytes]:
    """Every file of the package, by its path in it. Raises `UnsayableError`."""
    examples = sorted(examples, key=lambda example: example.name)
    told = {
        "Package.swift": _PACKAGE,
        "README.md": _README,
        f"{_SOURCES}/JSON.swift": _JSON,
        f"{_SOURCES}/Documents.swift": source_of(schemas),
        f"{_TESTS}/DecodeAllTests.swift": _tests(examples, pictures),
    }
    fixtures = {f"http/{example.name}.json": _written(example.body) for example in examples} | {
        f"cards/{name}": file for name, file in pictures.items()
    }
    return {name: content.encode() for name, content in told.items()} | {
        f"{_TESTS}/Fixtures/{name}": file for name, file in fixtures.items()
    }


def _written(value: object) -> bytes:
    return f"{json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)}\n".encode(errors="replace")


def _tests(examples: Iterable[Example], pictures: Mapping[str, bytes]) -> str:
    tests = [
        f"    func test{type_name(example.name)}() throws {{\n"
        f"        try decodes({_qualified(example)}.self, {text(f'http/{example.name}.json')})\n"
        "    }"
        for example in examples
    ]
    shown = "".join(f"        try isPicture({text(f'cards/{name}')})\n" for name in sorted(pictures))
    tests += [f"    func testPictures() throws {{\n{shown}    }}"] if shown else []
    return "\n\n".join([_TEST.rstrip(), *tests]) + "\n}\n"


def _qualified(example: Example) -> str:
    """The type of an example. With its module, because Foundation, which a test imports as well, has types of many names."""
    swift = type_of(example.schema, at=example.name)
    return f"HaloAPI.{swift}" if "$ref" in example.schema else swift
