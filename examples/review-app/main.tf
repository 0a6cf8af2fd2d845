# What a review of a pull request gets of its own. terraform_data stands for what a cloud would make; it needs no network.

variable "pull_request" {
  type = number
}

resource "terraform_data" "review" {
  input = {
    name     = "review-${var.pull_request}"
    greeting = "Review of pull request ${var.pull_request}"
  }
}

output "name" {
  value = terraform_data.review.output.name
}

output "greeting" {
  value = terraform_data.review.output.greeting
}
