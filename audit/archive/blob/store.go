package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
)

// Store keeps objects. Keys are relative to the store's place; they are made of letters, digits,
// dots, hyphens and slashes. It is safe for concurrent use.
type Store interface {
	// PutOnce stores size bytes under a key that has none: when it returns nil they are durable.
	// ErrExists when the key has an object already, which stays. After any other error the
	// object may be there or not, but never a part of it.
	PutOnce(ctx context.Context, key string, from io.ReadSeeker, size int64) error
	// Get opens an object. ErrNotFound.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// List returns the keys that begin with a prefix and come behind another key, in order.
	List(ctx context.Context, prefix, after string) ([]string, error)
	// Remove removes an object; none is no error.
	Remove(ctx context.Context, key string) error
	// String says where the store is.
	String() string
}

var (
	// ErrExists is returned when a key has an object already.
	ErrExists = errors.New("an object of this name is there already")
	// ErrNotFound is returned when a key has no object.
	ErrNotFound = errors.New("there is no such object")
	// ErrURL is returned when a text names no store.
	ErrURL = errors.New("no place for an archive")
)

// Open opens the store at file:///PATH or s3://BUCKET/PREFIX. A folder that is not there is made
// by the first object. ErrURL, and what the credentials or the folder make wrong.
func Open(place string) (Store, error) {
	u, err := url.Parse(place)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	switch {
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
	case u.Scheme == "file" && u.Host == "" && len(u.Path) > 1:
		return NewFolder(u.Path), nil
	case u.Scheme == "s3" && u.Host != "":
		return newBucket(u.Host, u.Path)
	}
	return nil, fmt.Errorf("%w: %q, expected is file:///PATH or s3://BUCKET/PREFIX", ErrURL, u.Redacted())
}

// IsURL reports whether a text is meant for Open, and not the path of a folder.
func IsURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "file" || u.Scheme == "s3")
}
