"""Decoding, resizing and encoding of images and videos.

- `bilinear`: bilinear interpolation, bit for bit that of ``cv2.resize``
- `codecs`: encoding as a codec says, such as ``jpeg:85``, and decoding
- `opencv`: OpenCV where it loads
- `png_encoder`: PNG files whose bytes depend on no library
- `profiles`: sizes of the benchmarks: resize and crop of the source images
- `round_trip`: pixels as storing an image and reading it back gives them, without the file
- `source_images`: decoding, resizing and cropping of source images, and their formats
- `tiles`: tiles of contact sheets and strips
- `video`: sequences of ImageNet-P as they were released, H.264
"""
