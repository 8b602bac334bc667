/*
 * crop.c - cuts a box out of a picture and scales it to a fixed size
 *
 *     cc crop.c $(pkg-config --cflags --libs roi) -o crop
 *     ./crop                                                       a made-up picture, its crop printed as numbers
 *     ./crop photo.ppm 120.5 80 260 240 64 64 > crop.ppm           x1 y1 x2 y2, then height and width of the crop
 *
 * Pictures are binary PPM (colour) or PGM (grey) of 8 bits. The box is in pixels, may have fractions, and may reach
 * beyond the picture, where there is black.
 */
#include <roi.h>
#include <stdio.h>
#include <stdlib.h>

struct picture {
    long channels, height, width;
    float *pixels; /* row after row, the channels of a pixel together */
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "crop: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static float *allocate(long channels, long height, long width)
{
    if (channels < 1 || height < 1 || width < 1 || height > 65535 || width > 65535)
        fail("picture", "sides must be from 1 to 65535");
    float *numbers = malloc(sizeof(float) * (size_t)channels * (size_t)height * (size_t)width);
    if (!numbers)
        fail("picture", "out of memory");
    return numbers;
}

/* ---- Pictures -------------------------------------------------------------------------------------------------- */

/* Grey, lighter by 1 to the right and by 10 downwards, so that a crop can be checked by eye. */
static struct picture make_picture(void)
{
    struct picture picture = {1, 16, 10, NULL};
    picture.pixels = allocate(1, picture.height, picture.width);
    for (long y = 0; y < picture.height; y++)
        for (long x = 0; x < picture.width; x++)
            picture.pixels[y * picture.width + x] = (float)(10 * y + x);
    return picture;
}

/* The next number of a PNM header; comments begin with #. */
static long read_number(FILE *file, const char *name)
{
    int c = fgetc(file);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF)
                c = fgetc(file);
        else
            c = fgetc(file);
    }
    long number = 0;
    if (c < '0' || c > '9')
        fail(name, "not a binary PGM or PPM file");
    for (; c >= '0' && c <= '9' && number < 1000000; c = fgetc(file))
        number = 10 * number + (c - '0');
    return number; /* and the one white space after it is read */
}

static struct picture read_picture(const char *name)
{
    FILE *file = fopen(name, "rb");
    if (!file)
        fail(name, "cannot be opened");
    const int magic = fgetc(file), kind = fgetc(file);
    if (magic != 'P' || (kind != '5' && kind != '6'))
        fail(name, "not a binary PGM or PPM file");
    struct picture picture = {kind == '6' ? 3 : 1, 0, 0, NULL};
    picture.width = read_number(file, name);
    picture.height = read_number(file, name);
    if (read_number(file, name) != 255)
        fail(name, "not a picture of 8 bits");
    picture.pixels = allocate(picture.channels, picture.height, picture.width);
    const long count = picture.channels * picture.height * picture.width;
    for (long i = 0; i < count; i++) {
        const int byte = fgetc(file);
        if (byte == EOF)
            fail(name, "ends too early");
        picture.pixels[i] = (float)byte;
    }
    fclose(file);
    return picture;
}

static void write_picture(const struct picture *picture)
{
    printf("P%c\n%ld %ld\n255\n", picture->channels == 3 ? '6' : '5', picture->width, picture->height);
    const long count = picture->channels * picture->height * picture->width;
    for (long i = 0; i < count; i++)
        putchar((int)(picture->pixels[i] + 0.5f));
}

static void print_numbers(const struct picture *picture)
{
    for (long i = 0; i < picture->height * picture->width; i++)
        printf("%g%c", (double)picture->pixels[i], (i + 1) % picture->width ? ' ' : '\n');
}

/* ---- The crop -------------------------------------------------------------------------------------------------- */

/* libroi takes any strides, so a picture with its channels together needs no copy: it is said where they are. */
static roi_array as_array(const struct picture *picture)
{
    const roi_array array = {
        .data = picture->pixels,
        .dtype = ROI_FLOAT32,
        .shape = {1, picture->channels, picture->height, picture->width},
        .strides = {picture->channels * picture->height * picture->width, 1, picture->channels * picture->width,
                    picture->channels},
    };
    return array;
}

static struct picture crop(const struct picture *picture, const double box[4], long height, long width)
{
    struct picture result = {picture->channels, height, width, allocate(picture->channels, height, width)};
    const roi_align_params params = roi_align_defaults();
    const roi_array input = as_array(picture), output = as_array(&result);
    const roi_boxes boxes = {.data = box, .dtype = ROI_FLOAT64, .count = 1, .columns = 4, .strides = {4, 1}};
    roi_error error;
    const roi_status status = roi_align(&params, &input, &boxes, &output, &error);
    if (status != ROI_SUCCESS)
        fail("box", roi_status_text(status));
    return result;
}

static double number(const char *text)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end)
        fail(text, "not a number");
    return value;
}

int main(int argc, char **argv)
{
    if (argc != 1 && argc != 8) {
        fprintf(stderr, "usage: %s [PICTURE X1 Y1 X2 Y2 HEIGHT WIDTH]\n", argv[0]);
        return 2;
    }
    double box[4] = {2, 3, 8, 11};
    long height = 4, width = 3;
    if (argc == 8) {
        for (int i = 0; i < 4; i++)
            box[i] = number(argv[2 + i]);
        height = (long)number(argv[6]);
        width = (long)number(argv[7]);
    }
    struct picture picture = argc == 8 ? read_picture(argv[1]) : make_picture();
    struct picture result = crop(&picture, box, height, width);
    if (argc == 8)
        write_picture(&result);
    else
        print_numbers(&result);
    free(picture.pixels);
    free(result.pixels);
    if (fflush(stdout) != 0) {
        perror("crop");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
