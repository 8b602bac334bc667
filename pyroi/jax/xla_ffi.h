/*
 * xla_ffi.h - the part of XLA's foreign function interface that a handler on the CPU needs
 *
 * XLA calls a handler with a call frame, which has the arguments, the results and the attributes of the call. The
 * handler returns NULL or an error. Structs begin with their size, so that a later version may add members at the end;
 * offsets of existing members, and the numbers of all enums, are fixed for a major version. This file declares those of
 * version 0.1, which later minor versions have kept. When a handler is registered, XLA refuses it if it does not
 * support its version. Each call checks the sizes of the structs that it receives (call.c).
 *
 * Source of the definitions: xla/ffi/api/c_api.h of OpenXLA, which jaxlib installs.
 */
#ifndef PYROI_XLA_FFI_H
#define PYROI_XLA_FFI_H

#include <stddef.h>
#include <stdint.h>

enum { XLA_FFI_MAJOR = 0, XLA_FFI_MINOR = 1 };

typedef enum { XLA_FFI_METADATA_EXTENSION = 1 } xla_ffi_extension_type;

typedef struct xla_ffi_extension {
    size_t struct_size;
    xla_ffi_extension_type type;
    struct xla_ffi_extension *next;
} xla_ffi_extension;

typedef struct {
    size_t struct_size;
    xla_ffi_extension *extensions;
    int major_version, minor_version;
} xla_ffi_version;

/* A call whose frame has this extension does not compute, but requests the version that the handler was written for. */
typedef struct {
    size_t struct_size;
    xla_ffi_version version;
    uint32_t traits;
} xla_ffi_metadata;

typedef struct {
    xla_ffi_extension base;
    xla_ffi_metadata *metadata;
} xla_ffi_metadata_extension;

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

typedef struct xla_ffi_error xla_ffi_error;

typedef enum {
    XLA_FFI_CANCELLED = 1,
    XLA_FFI_INVALID_ARGUMENT = 3,
    XLA_FFI_RESOURCE_EXHAUSTED = 8,
    XLA_FFI_UNIMPLEMENTED = 12,
    XLA_FFI_INTERNAL = 13
} xla_ffi_error_code;

typedef struct {
    size_t struct_size;
    xla_ffi_extension *extensions;
    const char *message; /* which XLA copies */
    xla_ffi_error_code code;
} xla_ffi_error_create_args;

/* ---- Arguments, results, attributes ---------------------------------------------------------------------------- */

typedef enum {
    XLA_FFI_PRED = 1,
    XLA_FFI_S32 = 4,
    XLA_FFI_S64 = 5,
    XLA_FFI_F16 = 10,
    XLA_FFI_F32 = 11,
    XLA_FFI_F64 = 12,
    XLA_FFI_BF16 = 16
} xla_ffi_data_type;

/* An array in row-major order. */
typedef struct {
    size_t struct_size;
    xla_ffi_extension *extensions;
    xla_ffi_data_type dtype;
    void *data;
    int64_t rank;
    int64_t *dims;
} xla_ffi_buffer;

enum { XLA_FFI_BUFFER = 1 };                    /* the one type of arguments and of results */
enum { XLA_FFI_ARRAY = 1, XLA_FFI_SCALAR = 3 }; /* types of attributes */

typedef struct {
    const char *text; /* without a NUL at its end */
    size_t length;
} xla_ffi_name;

typedef struct {
    xla_ffi_data_type dtype;
    void *value;
} xla_ffi_scalar;

typedef struct {
    xla_ffi_data_type dtype;
    size_t size;
    void *data;
} xla_ffi_array;

/* Of arguments and of results. */
typedef struct {
    size_t struct_size;
    xla_ffi_extension *extensions;
    int64_t size;
    const int *types;
    void **buffers;
} xla_ffi_buffers;

typedef struct {
    size_t struct_size;
    xla_ffi_extension *extensions;
    int64_t size;
    const int *types;
    xla_ffi_name **names;
    void **values;
} xla_ffi_attributes;

/* ---- The call -------------------------------------------------------------------------------------------------- */

/* XLA's own functions: the first of them. */
typedef struct {
    size_t struct_size;
    xla_ffi_extension *extensions;
    xla_ffi_version version;
    const void *internal;
    xla_ffi_error *(*error_create)(xla_ffi_error_create_args *args);
} xla_ffi_api;

typedef enum { XLA_FFI_EXECUTE = 3 } xla_ffi_stage;

typedef struct {
    size_t struct_size;
    xla_ffi_extension *extensions;
    const xla_ffi_api *api;
    void *context;
    xla_ffi_stage stage;
    xla_ffi_buffers arguments;
    xla_ffi_buffers results;
    xla_ffi_attributes attributes;
} xla_ffi_frame;

#endif
