package evidence

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	_ "image/jpeg" // so that image.DecodeConfig reads it
	_ "image/png"  // so that image.DecodeConfig reads it
	"slices"

	"github.com/gabriel-vasile/mimetype"
)

// mostPixels is what a picture may unfold to: an A3 page at 600 dots an inch has 70 million.
const mostPixels = 80_000_000

// examine says what a document is, by its bytes alone, and what is wrong with it.
func examine(content []byte, admitted []Kind) (Kind, []Finding, problem) {
	if len(content) == 0 {
		return "", nil, empty
	}
	kind := kindOf(content)
	if kind == "" || !slices.Contains(admitted, kind) {
		return "", nil, wrongKind
	}
	if polyglot(content, kind) {
		return "", nil, rejected
	}
	if kind == PDF {
		findings, problem := examinePDF(content)
		return kind, findings, problem
	}
	return kind, nil, examinePicture(content, kind)
}

func kindOf(content []byte) Kind {
	is := mimetype.Detect(content)
	for _, kind := range []Kind{PDF, PNG, JPEG} {
		if is.Is(kind.MediaType()) {
			return kind
		}
	}
	// A PDF with something before it: its kind is told rightly, and examinePDF refuses it.
	if bytes.Contains(content[:min(len(content), tailLength)], []byte("%PDF-")) {
		return PDF
	}
	return ""
}

// polyglot says whether the document would pass for another kind with some program: a web page by its beginning,
// an archive by its end, a PDF inside a picture.
func polyglot(content []byte, kind Kind) bool {
	beginning := bytes.ToLower(content[:min(len(content), tailLength)])
	for _, mark := range []string{"<html", "<!doctype", "<script", "<svg", "<iframe", "<body", "<head", "<?php", "javascript:"} {
		if bytes.Contains(beginning, []byte(mark)) {
			return true
		}
	}
	if kind != PDF && bytes.Contains(beginning, []byte("%pdf-")) {
		return true
	}
	return archive(content)
}

// archive finds the end record of a ZIP whose comment reaches to the end of the file: what unpackers look for.
func archive(content []byte) bool {
	const record, longestComment = 22, 1<<16 - 1
	from := max(0, len(content)-record-longestComment)
	tail := content[from:]
	for {
		i := bytes.Index(tail, []byte("PK\x05\x06"))
		if i < 0 || len(tail)-i < record {
			return false
		}
		comment := int(binary.LittleEndian.Uint16(tail[i+20:]))
		if comment == len(tail)-i-record {
			return true
		}
		tail = tail[i+4:]
	}
}

func examinePicture(content []byte, kind Kind) problem {
	if kind == PNG {
		if p := examinePNG(content); p != "" {
			return p
		}
	} else if !bytes.Contains(content, []byte("\xFF\xDA")) || !bytes.Contains(content, []byte("\xFF\xD9")) {
		return damaged // cut off before the picture, or within it
	}
	shape, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil || format != string(kind) {
		return damaged
	}
	if shape.Width <= 0 || shape.Height <= 0 {
		return damaged
	}
	if int64(shape.Width)*int64(shape.Height) > mostPixels {
		return rejected
	}
	return ""
}

// examinePNG walks over the chunks: each whole and with its checksum, the last one at the end of the file.
func examinePNG(content []byte) problem {
	const signature, frame = 8, 12
	rest := content[min(len(content), signature):]
	for len(rest) >= frame {
		length := uint64(binary.BigEndian.Uint32(rest))
		if length > uint64(len(rest)-frame) {
			return damaged
		}
		chunk := rest[4 : 8+length]
		if crc32.ChecksumIEEE(chunk) != binary.BigEndian.Uint32(rest[8+length:]) {
			return damaged
		}
		rest = rest[frame+length:]
		if string(chunk[:4]) == "IEND" {
			if len(rest) > 0 {
				return rejected // something hides behind the picture
			}
			return ""
		}
	}
	return damaged
}
