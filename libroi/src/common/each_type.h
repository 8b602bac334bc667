/* each_type.h - includes TEMPLATE for each element type, and REAL_TEMPLATE, if there is one, for each type computed in.
   No include guard: a file may have several templates. PLAIN_SUFFIX is that of the type computed in. */

#define REAL float
#define PLAIN_SUFFIX f32
#if defined(REAL_TEMPLATE)
#include REAL_TEMPLATE
#endif

#define STORE float
#define SUFFIX f32
#include "common/view_template.h"
#include TEMPLATE
#undef STORE
#undef SUFFIX

#define STORE roi_f16
#define SUFFIX f16
#include "common/view_template.h"
#include TEMPLATE
#undef STORE
#undef SUFFIX

#define STORE roi_bf16
#define SUFFIX bf16
#include "common/view_template.h"
#include TEMPLATE
#undef STORE
#undef SUFFIX
#undef REAL
#undef PLAIN_SUFFIX

#define REAL double
#define PLAIN_SUFFIX f64
#if defined(REAL_TEMPLATE)
#include REAL_TEMPLATE
#endif

#define STORE double
#define SUFFIX f64
#include "common/view_template.h"
#include TEMPLATE
#undef STORE
#undef SUFFIX
#undef REAL
#undef PLAIN_SUFFIX
