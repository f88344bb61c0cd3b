// Package blob stores the objects of an archive in a folder or in a bucket: whole objects under
// keys, each written once and never changed.
//
// A store is shared: several processes, on several machines, may use one at once. What makes that
// harmless is that an object is put when its key has none, or not at all, and that the store
// itself decides which of two comes first.
package blob
