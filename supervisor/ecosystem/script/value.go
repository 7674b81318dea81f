package script

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// Kind is the type of a value.
type Kind int

// The types of plain data.
const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Object
)

// Value is plain data, with the keys in the order of the file.
type Value struct {
	Kind    Kind
	Text    string // true or false, a number without exponent where it is whole, or the text
	List    []Value
	Entries []Entry
}

// Entry is one key of an object with its value.
type Entry struct {
	Key   string
	Value Value
}

// decode reads the JSON that serialize wrote.
func decode(text string) (Value, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decodeNext(decoder)
}

func decodeNext(decoder *json.Decoder) (Value, error) {
	token, err := decoder.Token()
	if err != nil {
		return Value{}, fmt.Errorf("read the export: %w", err)
	}
	switch token := token.(type) {
	case bool:
		return Value{Kind: Bool, Text: fmt.Sprint(token)}, nil
	case json.Number:
		return Value{Kind: Number, Text: decimal(token.String())}, nil
	case string:
		return Value{Kind: Text, Text: token}, nil
	case json.Delim:
		if token == '[' {
			return decodeList(decoder)
		}
		return decodeObject(decoder)
	}
	return Value{}, nil
}

func decodeList(decoder *json.Decoder) (Value, error) {
	v := Value{Kind: List}
	for decoder.More() {
		item, err := decodeNext(decoder)
		if err != nil {
			return Value{}, err
		}
		v.List = append(v.List, item)
	}
	return v, readDelimiter(decoder)
}

func decodeObject(decoder *json.Decoder) (Value, error) {
	v := Value{Kind: Object}
	for decoder.More() {
		key, err := decodeNext(decoder)
		if err != nil {
			return Value{}, err
		}
		item, err := decodeNext(decoder)
		if err != nil {
			return Value{}, err
		}
		v.Entries = append(v.Entries, Entry{Key: key.Text, Value: item})
	}
	return v, readDelimiter(decoder)
}

func readDelimiter(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	return nil
}

// decimal returns a whole number without exponent: JavaScript writes one from 1e21
// on.
func decimal(number string) string {
	if !strings.ContainsAny(number, "eE") {
		return number
	}
	if whole, ok := new(big.Rat).SetString(number); ok && whole.IsInt() {
		return whole.Num().String()
	}
	return number
}
